#ifndef SERVER_VIEWER_RFB_PIPE_H
#define SERVER_VIEWER_RFB_PIPE_H

#include "server/viewer/viewer_impl.h"

/*
 * The connection of a viewer session to the RFB server of its desktop, as viewers of transport/ want
 * their pipe.  It is the session's until it is closed or ends, or the session opens another one.
 */

struct rfb_pipe_fns {
	void (*data)(const void *bytes, size_t len, void *data);
	void (*writable)(void *data);
	/* It is gone; it must not be used or closed afterwards.  why NULL: the agent closed it. */
	void (*ended)(const struct err *why, void *data);
};

/* Never NULL; failures are reported by ended().  A session that has control has it here, too. */
struct rfb_pipe *rfb_pipe_open(
	struct viewer_session *session, const struct rfb_pipe_fns *fns, void *data);
/* The session ends, and the pipe some time later. */
void rfb_pipe_forget_session(struct viewer_session *session);
/* The session with control, or none, tells the agent, whose answer is not waited for: the link keeps
 * the order. */
void rfb_pipe_tell_control(struct watched_desktop *desktop);

extern const struct stream_pipe rfb_pipe_ops;

#endif

#ifndef VM_AGENT_STREAM_WATCHED_H
#define VM_AGENT_STREAM_WATCHED_H

#include "vm/agent/core/agent.h"
#include "vm/rfb/server.h"

#include <sys/queue.h>

/*
 * A picture that is watched, the desktop's or one window's: all its viewers share one RFB server.
 * It exists while it has viewers.
 */

struct watched;
struct viewer_input; /* of one viewer */

/* A kind of picture. */
struct watched_type {
	struct rfb_source source; /* its functions' data: what open() returned */
	/* NULL with err: there is no such picture now. */
	void *(*open)(struct watched *w, struct err *err);
	void (*close)(void *picture);
	struct viewer_input *(*input)(void *picture);
};

struct viewer_input_fns {
	void (*key)(struct viewer_input *in, uint32_t keysym, bool down);
	void (*pointer)(struct viewer_input *in, struct point at, unsigned buttons);
	bool (*is_full)(struct viewer_input *in); /* no more can wait; room() follows */
	void (*free)(struct viewer_input *in);    /* releases what is held down */
	/* A text for the clipboard, UTF-8; NULL: a window has none. */
	void (*cut_text)(struct viewer_input *in, const char *text, size_t len);
};

/* First in what a type has. */
struct viewer_input {
	const struct viewer_input_fns *fns;
	void (*room)(void *data); /* set by its owner */
	void *data;
};

struct watched {
	LIST_ENTRY(watched) link;
	struct agent *agent;
	uint32_t window; /* number of windows_encode(); 0: the desktop */
	const struct watched_type *type;
	void *picture;
	struct rfb_server *server;
	sd_event_source *soon;
	unsigned viewers;
	bool over;
};

/* ERR_NOT_FOUND: no such window.  ERR_STATE: the X server is being restarted. */
struct watched *watched_join(struct agent *agent, uint32_t window, struct err *err) NODISCARD;
void watched_leave(struct watched *w);

/* ---- for the types ---- */

/* Something may be new: the source is asked from the loop, once for all that is told until then. */
void watched_changed(struct watched *w);
/* The picture is no more.  Its viewers are told from the loop, and leave. */
void watched_end(struct watched *w, const struct err *why);

extern const struct watched_type watched_screen, watched_window;

#endif

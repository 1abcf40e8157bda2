/*
 * Adapts vm/guest/ to transport/rfb/, neither of which may depend on the other, and tells the agent
 * which viewer has control.  A viewer that does not lose control as it should loses its connection.
 */
#include "server/viewer/rfb_pipe.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/guest/conversation.h"

struct rfb_pipe {
	struct viewer_session *session; /* NULL: it has another one, or ended */
	struct conversation *conversation;
	const struct rfb_pipe_fns *fns;
	void *data;
};

void rfb_pipe_forget_session(struct viewer_session *session)
{
	if (session->pipe) {
		session->pipe->session = NULL;
		session->pipe = NULL;
	}
}

static void pipe_free(struct rfb_pipe *pipe)
{
	if (pipe->session) {
		rfb_pipe_forget_session(pipe->session);
	}
	free(pipe);
}

/* ---- from the agent ---- */

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct rfb_pipe *pipe = data;
	(void)c, (void)channel;
	pipe->fns->data(bytes, len, pipe->data);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	const struct rfb_pipe *pipe = data;
	const struct msg_used *used = args;
	(void)message;
	conversation_consumed(c, cost);
	if (pipe->session && pipe->session->stream) {
		viewer_session_used(pipe->session, used->refused);
	}
}

static void on_writable(struct conversation *c, void *data)
{
	struct rfb_pipe *pipe = data;
	(void)c;
	pipe->fns->writable(pipe->data);
}

static void on_end(struct conversation *c, const void *answer, const struct err *why, void *data)
{
	struct rfb_pipe *pipe = data;
	(void)c, (void)answer;
	pipe->fns->ended(why, pipe->data);
	pipe_free(pipe);
}

/* ---- to the agent ---- */

static size_t ops_write(void *pipe, const void *bytes, size_t len)
{
	return conversation_write(((struct rfb_pipe *)pipe)->conversation, 0, bytes, len);
}

static void ops_consumed(void *pipe, size_t len)
{
	conversation_consumed(((struct rfb_pipe *)pipe)->conversation, len);
}

static void ops_close(void *pipe)
{
	conversation_close(((struct rfb_pipe *)pipe)->conversation);
	pipe_free(pipe);
}

const struct stream_pipe rfb_pipe_ops = { ops_write, ops_consumed, ops_close };

struct rfb_pipe *rfb_pipe_open(
	struct viewer_session *session, const struct rfb_pipe_fns *fns, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_writable = on_writable,
		.on_end = on_end,
	};
	const struct stream *stream = session->stream;
	const struct guest_viewer viewer = { stream->window, session->type->has_clipboard };
	struct rfb_pipe *pipe = must(calloc(1, sizeof(*pipe)));
	pipe->fns = fns;
	pipe->data = data;
	pipe->conversation = guest_rfb(vm_guest(stream->vm), &viewer, &handlers, pipe);
	rfb_pipe_forget_session(session);
	pipe->session = session;
	session->pipe = pipe;
	if (viewer_session_holds(session)) {
		rfb_pipe_tell_control(session->desktop);
	}
	return pipe;
}

/* ---- control ---- */

static void disconnect_others(struct watched_desktop *desktop)
{
	struct viewer_session *session;
	TAILQ_FOREACH(session, &desktop->sessions, link)
	{
		if (session->pipe && !viewer_session_holds(session)) {
			session->type->disconnect(session);
		}
	}
}

static void on_told(const json_t *result, const struct err *err, void *data)
{
	struct watched_desktop *desktop = data;
	(void)result;
	if (err && err->kind != ERR_GONE && !desktop->over) {
		log_warning("sandbox=%s control was not told to the agent: %s", vm_id(desktop->vm),
			err->text);
		disconnect_others(desktop);
	}
	desktop_unref(desktop);
}

void rfb_pipe_tell_control(struct watched_desktop *desktop)
{
	struct viewer_session *session = TAILQ_FIRST(&desktop->sessions);
	while (session && !viewer_session_holds(session)) {
		session = TAILQ_NEXT(session, link);
	}
	const struct rfb_pipe *pipe = session ? session->pipe : NULL;
	if (!desktop->over) {
		desktop_ref(desktop);
		guest_control(
			vm_guest(desktop->vm), pipe ? pipe->conversation : NULL, on_told, desktop);
	}
}

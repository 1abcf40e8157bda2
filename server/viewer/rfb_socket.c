/*
 * A page's socket: RFB between its WebSocket and a connection of its own to the desktop's VNC
 * server.  It may do what its page may at this moment.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "server/viewer/rfb_pipe.h"
#include "transport/http/websocket.h"

struct plug {
	struct visit *visit; /* NULL: another took its place */
	struct stream_socket *socket;
};

/* ---- the desktop's end ---- */

static void on_pipe_data(struct guest_pipe *pipe, const void *bytes, size_t len, void *data)
{
	(void)pipe;
	stream_pipe_data(((struct plug *)data)->socket, bytes, len);
}

static void on_pipe_writable(struct guest_pipe *pipe, void *data)
{
	(void)pipe;
	stream_pipe_writable(((struct plug *)data)->socket);
}

static enum stream_code code_of(const struct vm *vm, const struct err *why)
{
	switch (vm_state(vm)) {
	case VM_STARTING:
		return STREAM_NOT_READY;
	case VM_READY:
		return !why                         ? STREAM_ENDED
		       : why->kind == ERR_NOT_FOUND ? STREAM_NO_WINDOW
						    : STREAM_NOT_READY;
	case VM_PAUSED:
		return STREAM_PAUSED;
	default:
		return STREAM_GONE;
	}
}

static void on_pipe_ended(struct guest_pipe *pipe, const struct err *why, void *data)
{
	struct plug *plug = data;
	(void)pipe;
	stream_pipe_ended(plug->socket, code_of(plug->visit->desk->vm, why),
		why ? why->text : "the desktop's VNC server closed the connection");
}

static const struct guest_pipe_handlers pipe_handlers = { on_pipe_data, on_pipe_writable,
	on_pipe_ended };

/* ---- the page's end ---- */

void visit_set_policy(struct visit *visit)
{
	if (visit->plug) {
		stream_set_policy(visit->plug->socket, visit_holds(visit) ? RFB_CONTROL : RFB_VIEW);
	}
}

void visit_unplug(struct visit *visit, unsigned code, const char *reason)
{
	struct plug *plug = visit->plug;
	if (plug) {
		stream_kick(plug->socket, code, reason);
	}
}

struct stream_counts visit_counts(const struct visit *visit)
{
	return visit->plug ? stream_counts(visit->plug->socket) : visit->counted;
}

static void on_closed(struct stream_socket *socket, unsigned code, const char *reason, void *data)
{
	struct plug *plug = data;
	struct visit *visit = plug->visit;
	(void)socket, (void)code, (void)reason;
	if (visit) {
		visit_count(visit);
		visit->plug = NULL;
		visit_changed(visit);
	}
	free(plug);
}

/* A page whose connection was cut may be back before we know of the cut. */
static void forget_plug(struct visit *visit)
{
	struct plug *plug = take_ptr(&visit->plug);
	if (plug) {
		plug->visit = NULL;
		stream_kick(plug->socket, WEBSOCKET_POLICY, "this page has opened another one");
	}
}

void viewer_run_socket(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	const char *id = http_query(x, "viewer");
	struct desk *desk = desk_of(pages, stream->vm);
	struct visit *visit = desk && id ? visit_find(desk, stream, id) : NULL;
	(void)rest;
	if (!visit) {
		viewer_refuse(pages, x, 404,
			"'viewer' must be the one that the events of this page said hello to");
		return;
	}
	struct plug *plug = must(calloc(1, sizeof(*plug)));
	plug->socket = stream_new(x, visit_holds(visit) ? RFB_CONTROL : RFB_VIEW, on_closed, plug);
	if (!plug->socket) {
		free(plug);
		return;
	}
	forget_plug(visit);
	plug->visit = visit;
	visit->plug = plug;
	visit->counted = (struct stream_counts){ 0 };
	stream_attach(plug->socket, &desktop_pipe,
		guest_rfb(stream->vm, stream->window, &pipe_handlers, plug));
	visit_changed(visit);
}

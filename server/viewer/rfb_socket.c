/* The RFB connection of a page: its WebSocket and a pipe to the desktop's RFB server. */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "server/viewer/rfb_pipe.h"
#include "transport/http/websocket.h"

struct rfb_connection {
	struct page_session *page; /* NULL: replaced by another one */
	struct stream_socket *socket;
};

/* ---- desktop side ---- */

static void on_pipe_data(const void *bytes, size_t len, void *data)
{
	stream_pipe_data(((struct rfb_connection *)data)->socket, bytes, len);
}

static void on_pipe_writable(void *data)
{
	stream_pipe_writable(((struct rfb_connection *)data)->socket);
}

unsigned viewer_code_of(const struct vm *vm, const struct err *why)
{
	switch (vm_state(vm)) {
	case VM_STARTING:
		return STREAM_NOT_READY;
	case VM_READY:
		return !why                           ? STREAM_ENDED
		       : why->kind == ERR_NOT_FOUND   ? STREAM_NO_WINDOW
		       : why->kind == ERR_ARGUMENT    ? WEBSOCKET_POLICY
		       : why->kind == ERR_UNSUPPORTED ? STREAM_NO_SOUND
						      : STREAM_NOT_READY;
	case VM_PAUSED:
		return STREAM_PAUSED;
	default:
		return STREAM_GONE;
	}
}

static void on_pipe_ended(const struct err *why, void *data)
{
	struct rfb_connection *rfb = data;
	stream_pipe_ended(rfb->socket, viewer_code_of(rfb->page->session.desktop->vm, why),
		why ? why->text : "the desktop's RFB server closed the connection");
}

static const struct rfb_pipe_fns pipe_fns = { on_pipe_data, on_pipe_writable, on_pipe_ended };

/* ---- page side ---- */

void rfb_socket_close(struct page_session *page, unsigned code, const char *reason)
{
	struct rfb_connection *rfb = page->rfb;
	if (rfb) {
		stream_kick(rfb->socket, code, reason);
	}
}

struct stream_counts rfb_socket_counts(const struct page_session *page)
{
	return page->rfb ? stream_counts(page->rfb->socket) : page->counted;
}

static void on_closed(struct stream_socket *socket, unsigned code, const char *reason, void *data)
{
	struct rfb_connection *rfb = data;
	struct page_session *page = rfb->page;
	(void)socket, (void)code, (void)reason;
	if (page) {
		page_session_count(page);
		page->rfb = NULL;
		page_session_changed(page);
	}
	free(rfb);
}

/* A page may reconnect before its disconnect is detected. */
static void drop_rfb(struct page_session *page)
{
	struct rfb_connection *rfb = take_ptr(&page->rfb);
	if (rfb) {
		rfb->page = NULL;
		stream_kick(rfb->socket, WEBSOCKET_POLICY, "the page has opened a new connection");
	}
}

void viewer_run_socket(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	const char *id = http_query(x, "viewer");
	struct watched_desktop *desktop = desktop_of(pages->desktops, stream->vm);
	struct page_session *page = desktop && id ? page_session_find(desktop, stream, id) : NULL;
	(void)rest;
	if (!page) {
		viewer_refuse(
			pages, x, 404, "'viewer' must be the id from the hello event of this page");
		return;
	}
	struct rfb_connection *rfb = must(calloc(1, sizeof(*rfb)));
	rfb->socket = stream_new(x, on_closed, rfb);
	if (!rfb->socket) {
		free(rfb);
		return;
	}
	drop_rfb(page);
	rfb->page = page;
	page->rfb = rfb;
	page->counted = (struct stream_counts){ 0 };
	stream_attach(rfb->socket, &rfb_pipe_ops, rfb_pipe_open(&page->session, &pipe_fns, rfb));
	page_session_changed(page);
}

/* A viewer, for the owner of the server: its life, what it sends, and what it may. */

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/rfb/server_impl.h"

#include <string.h>

void rfb_viewer_set_clipboard(struct rfb_viewer *v, bool on)
{
	v->clipboard = on;
	rfb_viewer_offer_clipboard(v);
	rfb_viewer_flush(v);
}

void rfb_viewer_set_control(struct rfb_viewer *v, bool control)
{
	bool drew = rfb_viewer_draws_pointer(v);
	v->control = control;
	rfb_viewer_offer_clipboard(v);
	rfb_viewer_flush(v);
	if (drew != rfb_viewer_draws_pointer(v)) {
		v->cursor_sent = UINT64_MAX;
		rfb_viewer_forget(v);
		rfb_server_run(v->server);
	}
}

void rfb_viewer_writable(struct rfb_viewer *v)
{
	rfb_viewer_flush(v);
	rfb_server_run(v->server);
}

void rfb_viewer_resume(struct rfb_viewer *v)
{
	rfb_viewer_feed(v, "", 0);
}

void rfb_viewer_feed(struct rfb_viewer *v, const void *bytes, size_t len)
{
	if (!v->over) {
		buf_append(&v->in, bytes, len);
		rfb_viewer_parse(v);
		rfb_release(&v->in);
		rfb_viewer_writable(v);
	}
}

/* ---- life ---- */

struct rfb_viewer *rfb_viewer_new(
	struct rfb_server *server, const struct rfb_viewer_fns *fns, void *data)
{
	struct rfb_viewer *v = must(calloc(1, sizeof(*v)));
	v->server = server;
	v->fns = fns;
	v->data = data;
	v->key.how = (struct rfb_how){ .format = rfb_format_own, .quality = RFB_LOSSLESS };
	v->cursor_sent = UINT64_MAX;
	LIST_INSERT_HEAD(&server->viewers, v, link);
	rfb_viewer_put(v, RFB_HELLO, strlen(RFB_HELLO));
	rfb_viewer_flush(v);
	return v;
}

void rfb_viewer_free(struct rfb_viewer *v)
{
	if (v) {
		LIST_REMOVE(v, link);
		rfb_update_unref(v->update);
		rfb_server_drop_kind(v->server, v->kind);
		loop_drop(&v->ending);
		buf_done(&v->in);
		buf_done(&v->out);
		buf_done(&v->later);
		buf_done(&v->cursor_rect);
		free(v);
	}
}

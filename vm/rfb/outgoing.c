/*
 * What is on its way to a viewer.  An update begins when the viewer waits for one and all of
 * the last one was taken, so at most one update, which others share, is kept for it.
 */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/rfb/server_impl.h"

#include <string.h>

enum { ENCODING_SIZE = -223, MESSAGE_FENCE = 248 };
#define ANSWERS_MAX (64 << 10) /* bytes */

enum { FENCE_BLOCK_BEFORE = 1u, FENCE_REQUEST = 1u << 31 };

/* ---- the end ---- */

static int on_ending(sd_event_source *source, void *data)
{
	struct rfb_viewer *v = data;
	struct err why = v->why;
	(void)source;
	loop_drop(&v->ending);
	v->fns->ended(&why, v->data);
	return 0;
}

/* From the loop: the caller still uses the viewer. */
void rfb_viewer_end(struct rfb_viewer *v, const struct err *why)
{
	if (!v->over) {
		v->over = true;
		v->why = *why;
		v->ending = loop_defer(v->server->event, on_ending, v);
	}
}

/* ---- bytes ---- */

void rfb_viewer_put(struct rfb_viewer *v, const void *bytes, size_t len)
{
	struct buf *to = v->headed ? &v->later : &v->out;
	if (to->len + len > ANSWERS_MAX + v->text) {
		struct err err;
		err_set(&err, ERR_ARGUMENT,
			"the viewer asks for answers and does not take them; %d bytes wait",
			ANSWERS_MAX);
		rfb_viewer_end(v, &err);
	} else {
		buf_append(to, bytes, len);
	}
}

void rfb_viewer_put_text(struct rfb_viewer *v, const struct buf *message)
{
	if (v->text == 0) {
		v->text = message->len;
		rfb_viewer_put(v, message->data, message->len);
	}
}

static void put_head(struct rfb_viewer *v, size_t rects)
{
	bytes_append_u16(&v->out, 0); /* FramebufferUpdate, and a byte of padding */
	bytes_append_u16(&v->out, (uint16_t)rects);
}

static void put_fence(struct rfb_viewer *v, size_t bytes)
{
	uint64_t now = loop_now_us();
	uint32_t number = flow_sent(&v->flow, now);
	rate_sent(&v->rate, number, (uint32_t)bytes, now);
	uint32_t flags = FENCE_REQUEST | FENCE_BLOCK_BEFORE;
	uint8_t fence[13] = { MESSAGE_FENCE, [8] = 4 };
	bytes_put_u32(fence + 4, flags);
	bytes_put_u32(fence + 9, number);
	rfb_viewer_put(v, fence, sizeof(fence));
}

/* ---- updates ---- */

static void drop_update(struct rfb_viewer *v)
{
	rfb_update_unref(take_ptr(&v->update));
	if (v->cursor_rect.len > 0) {
		v->cursor_rect.len = 0;
		v->cursor_sent = UINT64_MAX; /* once more, as it was not sent */
	}
}

void rfb_viewer_forget(struct rfb_viewer *v)
{
	if (!v->headed) {
		drop_update(v);
	}
	v->whole = v->update;
	v->place = (struct rfb_place){ 0 };
	rfb_server_drop_kind(v->server, v->kind);
	v->kind = NULL;
}

void rfb_viewer_want(struct rfb_viewer *v, bool whole)
{
	v->wanted = true;
	if (whole && v->update) {
		v->whole = true;
	} else if (whole) {
		v->place = (struct rfb_place){ 0 };
	}
}

void rfb_viewer_hold_back(struct rfb_viewer *v)
{
	if (v->update && !v->headed && !v->wanted) {
		drop_update(v);
	}
}

bool rfb_viewer_is_ready(const struct rfb_viewer *v)
{
	return !v->over && !v->update && v->out.len == 0 &&
	       (v->wanted || (v->continuous && flow_is_open(&v->flow)));
}

bool rfb_viewer_draws_pointer(const struct rfb_viewer *v)
{
	return v->control && v->cursor != CURSOR_NONE;
}

static void end_update(struct rfb_viewer *v, size_t bytes)
{
	if (v->continuous && v->fences) {
		put_fence(v, bytes);
	}
}

static void serve_size(struct rfb_viewer *v)
{
	v->key.size = v->server->scene.picture->size;
	put_head(v, 1);
	rfb_put_head(&v->out, (struct rect){ 0, 0, v->key.size.width, v->key.size.height },
		ENCODING_SIZE);
	rfb_viewer_forget(v);
	v->wanted = false;
	end_update(v, 0);
}

static uint64_t serial_of(const struct cursor_image *cursor)
{
	return cursor ? cursor->serial : 0;
}

static void make_cursor_rect(struct rfb_viewer *v)
{
	const struct cursor_image *cursor = v->server->scene.cursor;
	if (rfb_viewer_draws_pointer(v) && v->cursor_sent != serial_of(cursor)) {
		v->cursor_sent = serial_of(cursor);
		cursor_put(cursor, v->cursor, &v->key.how.format, &v->cursor_rect);
	}
}

static bool is_resized(const struct rfb_viewer *v)
{
	const struct size *now = &v->server->scene.picture->size;
	return v->resizes && (now->width != v->key.size.width || now->height != v->key.size.height);
}

bool rfb_viewer_serve(struct rfb_viewer *v)
{
	if (is_resized(v)) {
		serve_size(v);
		return true;
	}
	if (!v->kind) {
		v->key.pointer = !rfb_viewer_draws_pointer(v);
		v->kind = rfb_server_kind(v->server, &v->key);
	}
	make_cursor_rect(v);
	struct rfb_place next = rfb_kind_next(v->kind, &v->place, v->pace);
	if (!rfb_place_equal(&v->place, &next) || v->cursor_rect.len > 0) {
		v->update = rfb_kind_update(v->kind, &v->place, v->pace);
		v->headed = false;
		v->sent = 0;
	}
	return v->update;
}

/* ---- sending ---- */

/* Returns whether all of it was taken. */
static bool write_some(struct rfb_viewer *v, const struct buf *bytes, size_t *from)
{
	if (*from < bytes->len) {
		*from += v->fns->write(bytes->data + *from, bytes->len - *from, v->data);
	}
	return *from == bytes->len;
}

static bool flush_out(struct rfb_viewer *v)
{
	size_t taken = 0;
	bool all = write_some(v, &v->out, &taken);
	buf_consume(&v->out, taken);
	rfb_release(&v->out);
	v->text = all && v->later.len == 0 ? 0 : v->text;
	return all;
}

/* What is asked for from now on is the next one. */
static void put_update_head(struct rfb_viewer *v)
{
	v->headed = true;
	v->wanted = v->whole;
	put_head(v, v->update->n_rects + (v->cursor_rect.len > 0));
	buf_append(&v->out, v->cursor_rect.data, v->cursor_rect.len);
	v->cursor_rect.len = 0;
	rfb_release(&v->cursor_rect);
}

static void take_to_frame(struct rfb_viewer *v)
{
	v->place = v->whole ? (struct rfb_place){ 0 } : v->update->to;
	v->whole = false;
	v->headed = false;
	drop_update(v);
}

static void finish_update(struct rfb_viewer *v)
{
	size_t bytes = v->update->body.len;
	take_to_frame(v);
	end_update(v, bytes);
	buf_append(&v->out, v->later.data, v->later.len);
	v->later.len = 0;
	rfb_release(&v->later);
}

/* Nothing of it is within the picture. */
static bool is_empty(const struct rfb_viewer *v)
{
	return v->update->n_rects == 0 && v->cursor_rect.len == 0;
}

/* Whether there is more to do for it. */
static bool flush_update(struct rfb_viewer *v)
{
	if (!v->update || !rfb_update_is_done(v->update)) {
		return false;
	}
	if (!v->headed && is_empty(v)) {
		take_to_frame(v);
		return false;
	}
	if (!v->headed) {
		put_update_head(v);
		return true;
	}
	if (!write_some(v, &v->update->body, &v->sent)) {
		return false;
	}
	finish_update(v);
	return true;
}

void rfb_viewer_flush(struct rfb_viewer *v)
{
	while (!v->over && flush_out(v) && flush_update(v)) {
	}
}

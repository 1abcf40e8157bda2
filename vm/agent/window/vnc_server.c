/*
 * An update is begun when the viewer has asked for one, all of the last one was taken, and there is
 * something new: so a slow viewer gets fewer of them, and nothing piles up.  Its rectangles are
 * encoded one by one, as far as they are taken, and a few in each turn of the loop, behind all else
 * that waits there: the agent's own work never waits for a viewer's.
 */
#include "vm/agent/window/vnc_server.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/window/vnc_impl.h"
#include "vm/agent/x11/cursor.h"
#include "vm/agent/x11/windows.h"

#include <string.h>

#define FRAME_MS 16
#define TURN_PIXELS (200 * 1000) /* encoded in one turn of the loop: about a millisecond */

static void pump(struct vnc_server *v);

/* ---- bytes ---- */

static void put_rect(struct buf *out, struct rect area, int32_t encoding)
{
	bytes_append_u16(out, (uint16_t)area.x);
	bytes_append_u16(out, (uint16_t)area.y);
	bytes_append_u16(out, (uint16_t)area.width);
	bytes_append_u16(out, (uint16_t)area.height);
	bytes_append_u32(out, (uint32_t)encoding);
}

/* ---- the end ---- */

static int on_ending(sd_event_source *source, void *data)
{
	struct vnc_server *v = data;
	struct err why = v->why;
	(void)source;
	loop_drop(&v->ending);
	v->handlers->ended(&why, v->data);
	return 0;
}

/* Told from the loop: the caller still uses the server. */
void vnc_server_end(struct vnc_server *v, const struct err *why)
{
	if (!v->over) {
		v->over = true;
		v->why = *why;
		v->ending = loop_defer(v->agent->event, on_ending, v);
	}
}

/* ---- the pointer ---- */

static void put_cursor(struct vnc_server *v, const XFixesCursorImage *cursor)
{
	struct rect head = { cursor->xhot, cursor->yhot, cursor->width, cursor->height };
	size_t n = (size_t)cursor->width * cursor->height;
	auto_free uint32_t *pixels = must(calloc(n ? n : 1, sizeof(*pixels)));
	for (size_t i = 0; i < n; i++) {
		pixels[i] = (uint32_t)cursor->pixels[i];
	}
	struct image image = { (uint8_t *)pixels, { cursor->width, cursor->height },
		(size_t)cursor->width * 4 };
	put_rect(&v->out, head, ENCODING_CURSOR);
	rfb_encode_raw(&v->how.format, &image, &v->out);
	for (int y = 0; y < cursor->height; y++) {
		for (int x = 0; x < cursor->width; x += 8) {
			uint8_t bits = 0;
			for (int i = 0; i < 8 && x + i < cursor->width; i++) {
				uint32_t argb = pixels[y * cursor->width + x + i];
				bits |= (uint8_t)((argb >> 31) << (7 - i));
			}
			buf_append(&v->out, &bits, 1);
		}
	}
}

/* Where it is in the picture, as long as it is over the window and nothing else. */
static struct rect find_pointer(struct vnc_server *v, const XFixesCursorImage *cursor)
{
	struct display *d = v->display;
	Window root, child;
	int x = 0, y = 0, inside_x, inside_y;
	unsigned mask;
	struct point origin;
	if (!cursor || !window_capture_origin(v->capture, &origin) ||
		!XQueryPointer(display_x(d), display_root(d), &root, &child, &x, &y, &inside_x,
			&inside_y, &mask) ||
		!window_capture_owns(v->capture, child)) {
		return (struct rect){ 0 };
	}
	return (struct rect){ x - origin.x - v->offset.x - cursor->xhot,
		y - origin.y - v->offset.y - cursor->yhot, cursor->width, cursor->height };
}

static void place_pointer(struct vnc_server *v)
{
	uint64_t serial = display_cursor_serial(v->display);
	struct rect now = { 0 };
	if (!v->draws_pointer) {
		now = find_pointer(v, cursor_image(v->cursor));
	}
	if (memcmp(&now, &v->pointer, sizeof(now)) != 0 ||
		(now.width > 0 && serial != v->pointer_serial)) {
		window_capture_touch(v->capture, v->pointer);
		window_capture_touch(v->capture, now);
	}
	v->pointer = now;
	v->pointer_serial = serial;
}

static bool has_pointer(const struct vnc_server *v, struct rect area)
{
	const struct rect *p = &v->pointer;
	return p->width > 0 && p->x < area.x + area.width && area.x < p->x + p->width &&
	       p->y < area.y + area.height && area.y < p->y + p->height;
}

/* ---- updates ---- */

static struct image part_of(const struct image *all, struct rect area)
{
	return (struct image){ all->pixels + (size_t)area.y * all->stride + (size_t)area.x * 4,
		{ area.width, area.height }, all->stride };
}

static struct image with_pointer(struct vnc_server *v, const struct image *clean, struct rect area)
{
	size_t row = (size_t)area.width * 4;
	v->scratch.len = 0;
	for (int y = 0; y < area.height; y++) {
		buf_append(&v->scratch, clean->pixels + (size_t)y * clean->stride, row);
	}
	struct image painted = { v->scratch.data, { area.width, area.height }, row };
	const XFixesCursorImage *cursor = cursor_image(v->cursor);
	if (cursor) {
		struct point at = { v->pointer.x + cursor->xhot - area.x,
			v->pointer.y + cursor->yhot - area.y };
		cursor_draw(cursor, at, &painted);
	}
	return painted;
}

static size_t put_next(struct vnc_server *v)
{
	struct rect area = v->rects[v->next_rect++];
	struct image image = part_of(window_capture_picture(v->capture), area);
	if (has_pointer(v, area)) {
		image = with_pointer(v, &image, area);
	}
	put_rect(&v->out, area, rfb_is_tight(&v->how) ? RFB_TIGHT : RFB_RAW);
	rfb_encode(v->encoder, &v->how, &image, &v->out);
	return (size_t)area.width * (size_t)area.height;
}

static void put_head(struct vnc_server *v, size_t rects)
{
	bytes_append_u16(&v->out, 0);
	bytes_append_u16(&v->out, (uint16_t)rects);
}

/* Of a viewer that knows the window only as smaller than it is now. */
static void clip_rects(struct vnc_server *v)
{
	size_t kept = 0;
	for (size_t i = 0; i < v->n_rects; i++) {
		struct rect area = v->rects[i];
		int right = v->size.width - area.x, below = v->size.height - area.y;
		area.width = area.width < right ? area.width : right;
		area.height = area.height < below ? area.height : below;
		if (area.width > 0 && area.height > 0) {
			v->rects[kept++] = area;
		}
	}
	v->n_rects = kept;
}

static bool begin_resize(struct vnc_server *v)
{
	struct size now = window_capture_picture(v->capture)->size;
	if (!v->takes_size || (now.width == v->size.width && now.height == v->size.height)) {
		return false;
	}
	v->size = now;
	put_head(v, 1);
	put_rect(&v->out, (struct rect){ 0, 0, now.width, now.height }, ENCODING_SIZE);
	v->whole = true;
	return true;
}

static bool begin_update(struct vnc_server *v)
{
	uint64_t serial = display_cursor_serial(v->display);
	window_capture_refresh(v->capture);
	v->offset = window_capture_offset(v->capture);
	if (begin_resize(v)) {
		return true;
	}
	if (v->whole) {
		v->whole = false;
		window_capture_touch(
			v->capture, (struct rect){ 0, 0, v->size.width, v->size.height });
	}
	place_pointer(v);
	v->next_rect = 0;
	v->n_rects = window_capture_take(v->capture, v->rects, WINDOW_CAPTURE_RECTS_MAX);
	clip_rects(v);
	const XFixesCursorImage *cursor =
		v->draws_pointer && v->cursor_sent != serial ? cursor_image(v->cursor) : NULL;
	if (v->n_rects == 0 && !cursor) {
		return false;
	}
	put_head(v, v->n_rects + (cursor != NULL));
	if (cursor) {
		v->cursor_sent = serial;
		put_cursor(v, cursor);
	}
	return true;
}

static int on_frame(sd_event_source *source, uint64_t usec, void *data)
{
	struct vnc_server *v = data;
	(void)source;
	(void)usec;
	loop_drop(&v->frame);
	pump(v);
	return 0;
}

static int on_turn(sd_event_source *source, void *data)
{
	struct vnc_server *v = data;
	(void)source;
	loop_drop(&v->turn);
	pump(v);
	return 0;
}

/* False: nothing to begin now. */
static bool next_update(struct vnc_server *v)
{
	uint64_t now = loop_now_us();
	if (!v->wanted || v->frame) {
		return false;
	}
	if (now < v->last_us + FRAME_MS * 1000) {
		v->frame = loop_after_ms(v->agent->event, FRAME_MS, on_frame, v);
		return false;
	}
	if (!begin_update(v)) {
		return false;
	}
	v->wanted = false;
	v->last_us = now;
	return true;
}

/* True: all that there was is gone. */
static bool flush(struct vnc_server *v)
{
	if (v->out.len > 0) {
		buf_consume(&v->out, v->handlers->write(v->out.data, v->out.len, v->data));
	}
	return v->out.len == 0;
}

static void pump(struct vnc_server *v)
{
	size_t pixels = 0;
	while (!v->over && flush(v)) {
		if (v->next_rect < v->n_rects && pixels < TURN_PIXELS) {
			pixels += put_next(v);
		} else if (v->next_rect < v->n_rects) {
			if (!v->turn) {
				v->turn = loop_defer(v->agent->event, on_turn, v);
				sd_event_source_set_priority(v->turn, SD_EVENT_PRIORITY_IDLE);
			}
			return;
		} else if (!next_update(v)) {
			return;
		}
	}
}

void vnc_server_writable(struct vnc_server *v)
{
	pump(v);
}

void vnc_server_feed(struct vnc_server *v, const void *bytes, size_t len)
{
	if (!v->over) {
		buf_append(&v->in, bytes, len);
		vnc_server_take_all(v);
		pump(v);
	}
}

/* ---- the window ---- */

static void on_changed(void *data)
{
	struct vnc_server *v = data;
	if (v->wanted && !v->frame) {
		uint64_t now = loop_now_us(), due = v->last_us + FRAME_MS * 1000;
		v->frame = loop_after_ms(v->agent->event, due > now ? FRAME_MS : 0, on_frame, v);
	}
}

static void on_restacked(void *data)
{
	struct vnc_server *v = data;
	window_input_retry(v->input);
}

/* The capture ends with the window, or with its display. */
static void on_capture_ended(const struct err *why, void *data)
{
	struct vnc_server *v = data;
	v->over = true;
	v->handlers->ended(why, v->data);
}

static const struct window_capture_handlers window_capture_handlers = {
	.changed = on_changed,
	.restacked = on_restacked,
	.ended = on_capture_ended,
};

/* ---- life ---- */

static bool open_window(struct vnc_server *v, uint32_t number, struct err *err)
{
	struct display *d = v->display;
	if (!d || display_is_lost(d)) {
		return err_set(
			err, ERR_STATE, "the X server is being restarted; try again in a second");
	}
	Window window = windows_find(d, number);
	if (!window) {
		return err_set(err, ERR_NOT_FOUND,
			"there is no window %u; the list of windows says which there "
			"are",
			number);
	}
	v->encoder = rfb_encoder_new(err);
	v->capture =
		v->encoder ? window_capture_new(d, window, &window_capture_handlers, v, err) : NULL;
	if (!v->capture) {
		return false;
	}
	v->input = window_input_new(v->agent, v->capture);
	v->cursor = cursor_new(d);
	display_watch_motion(d, true);
	return true;
}

struct vnc_server *vnc_server_new(struct agent *agent, uint32_t window,
	const struct vnc_server_handlers *handlers, void *data, struct err *err)
{
	struct vnc_server *v = must(calloc(1, sizeof(*v)));
	v->agent = agent;
	v->display = agent->display;
	v->handlers = handlers;
	v->data = data;
	v->how = (struct rfb_how){ .format = rfb_format_own, .quality = RFB_LOSSLESS };
	v->cursor_sent = UINT64_MAX;
	if (!open_window(v, window, err)) {
		vnc_server_free(v);
		return NULL;
	}
	buf_append(&v->out, VNC_HELLO, strlen(VNC_HELLO));
	pump(v);
	return v;
}

void vnc_server_free(struct vnc_server *v)
{
	if (!v) {
		return;
	}
	if (v->capture) {
		display_watch_motion(v->display, false);
	}
	window_input_free(v->input);
	window_capture_free(v->capture);
	cursor_free(v->cursor);
	rfb_encoder_free(v->encoder);
	loop_drop(&v->turn);
	loop_drop(&v->frame);
	loop_drop(&v->ending);
	buf_done(&v->in);
	buf_done(&v->out);
	buf_done(&v->scratch);
	free(v);
}

/*
 * An update is begun when the viewer has asked for one, all of the last one was taken, and there is
 * something new: so a slow viewer gets fewer of them, and nothing piles up.  Its rectangles are
 * encoded one by one, as far as they are taken, and a few in each turn of the loop, behind all else
 * that waits there: the agent's own work never waits for a viewer's.
 */
#include "vm/agent/viewer.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/agent.h"
#include "vm/agent/cursor.h"
#include "vm/agent/rfb_encode.h"
#include "vm/agent/view.h"
#include "vm/agent/view_input.h"
#include "vm/agent/windows.h"

#include <string.h>

#define HELLO "RFB 003.008\n"
#define FRAME_MS 16
#define TURN_PIXELS (200 * 1000) /* encoded in one turn of the loop: about a millisecond */
#define ENCODINGS_MAX 512
#define CUT_TEXT_MAX (16u << 20)

enum { ENCODING_SIZE = -223, ENCODING_CURSOR = -239, QUALITY_0 = -32, QUALITY_9 = -23 };

struct viewer {
	struct agent *agent;
	struct display *display;
	struct view *view;
	struct view_input *input;
	struct rfb_encoder *encoder;
	struct cursor *cursor;
	const struct viewer_handlers *handlers;
	void *data;
	bool over;
	struct err why;
	sd_event_source *ending;

	int stage;     /* of the handshake; STAGES: over */
	struct buf in; /* a message that is not whole */
	size_t skip;   /* bytes of one that is not read */
	struct rfb_how how;
	bool takes_size, draws_pointer;

	struct buf out;
	struct size size;    /* as the viewer knows it */
	struct point offset; /* and of that its corner, from the window's */
	bool wanted;         /* an update was asked for */
	bool whole;          /* all of the picture, changed or not */
	struct rect rects[VIEW_RECTS_MAX];
	size_t n_rects, next_rect; /* of the update under way */
	uint64_t cursor_sent;
	struct rect pointer; /* where it is painted; width 0: nowhere */
	uint64_t pointer_serial;
	struct buf scratch; /* a rectangle with the pointer in it */
	sd_event_source *turn, *frame;
	uint64_t last_us; /* when the last update began */
};

static void pump(struct viewer *v);

/* ---- bytes ---- */

static unsigned get_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

static void put_u8(struct buf *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	buf_append(out, &byte, 1);
}

static void put_u16(struct buf *out, unsigned value)
{
	put_u8(out, value >> 8);
	put_u8(out, value);
}

static void put_u32(struct buf *out, uint32_t value)
{
	put_u16(out, value >> 16);
	put_u16(out, value);
}

static void put_rect(struct buf *out, struct rect area, int32_t encoding)
{
	put_u16(out, (unsigned)area.x);
	put_u16(out, (unsigned)area.y);
	put_u16(out, (unsigned)area.width);
	put_u16(out, (unsigned)area.height);
	put_u32(out, (uint32_t)encoding);
}

/* ---- the end ---- */

static int on_ending(sd_event_source *source, void *data)
{
	struct viewer *v = data;
	struct err why = v->why;
	(void)source;
	loop_drop(&v->ending);
	v->handlers->ended(&why, v->data);
	return 0;
}

/* Told from the loop: whoever called us is not done with the viewer yet. */
static void end(struct viewer *v, const struct err *why)
{
	if (!v->over) {
		v->over = true;
		v->why = *why;
		v->ending = loop_defer(v->agent->event, on_ending, v);
	}
}

/* ---- the pointer ---- */

static void put_cursor(struct viewer *v, const XFixesCursorImage *cursor)
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
			unsigned bits = 0;
			for (int i = 0; i < 8 && x + i < cursor->width; i++) {
				uint32_t argb = pixels[y * cursor->width + x + i];
				bits |= (argb >> 31) << (7 - i);
			}
			put_u8(&v->out, bits);
		}
	}
}

/* Where it is in the picture, as long as it is over the window and nothing else. */
static struct rect find_pointer(struct viewer *v, const XFixesCursorImage *cursor)
{
	struct display *d = v->display;
	Window root, child;
	int x = 0, y = 0, inside_x, inside_y;
	unsigned mask;
	struct point origin;
	if (!cursor || !view_origin(v->view, &origin) ||
		!XQueryPointer(display_x(d), display_root(d), &root, &child, &x, &y, &inside_x,
			&inside_y, &mask) ||
		!view_owns(v->view, child)) {
		return (struct rect){ 0 };
	}
	return (struct rect){ x - origin.x - v->offset.x - cursor->xhot,
		y - origin.y - v->offset.y - cursor->yhot, cursor->width, cursor->height };
}

static void place_pointer(struct viewer *v)
{
	uint64_t serial = display_cursor_serial(v->display);
	struct rect now = { 0 };
	if (!v->draws_pointer) {
		now = find_pointer(v, cursor_image(v->cursor));
	}
	if (memcmp(&now, &v->pointer, sizeof(now)) != 0 ||
		(now.width > 0 && serial != v->pointer_serial)) {
		view_touch(v->view, v->pointer);
		view_touch(v->view, now);
	}
	v->pointer = now;
	v->pointer_serial = serial;
}

static bool has_pointer(const struct viewer *v, struct rect area)
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

static struct image with_pointer(struct viewer *v, const struct image *clean, struct rect area)
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

static size_t put_next(struct viewer *v)
{
	struct rect area = v->rects[v->next_rect++];
	struct image image = part_of(view_picture(v->view), area);
	if (has_pointer(v, area)) {
		image = with_pointer(v, &image, area);
	}
	put_rect(&v->out, area, rfb_is_tight(&v->how) ? RFB_TIGHT : RFB_RAW);
	rfb_encode(v->encoder, &v->how, &image, &v->out);
	return (size_t)area.width * (size_t)area.height;
}

static void put_head(struct viewer *v, size_t rects)
{
	put_u16(&v->out, 0);
	put_u16(&v->out, (unsigned)rects);
}

/* Of a viewer that knows the window only as smaller than it is now. */
static void clip_rects(struct viewer *v)
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

static bool begin_resize(struct viewer *v)
{
	struct size now = view_picture(v->view)->size;
	if (!v->takes_size || (now.width == v->size.width && now.height == v->size.height)) {
		return false;
	}
	v->size = now;
	put_head(v, 1);
	put_rect(&v->out, (struct rect){ 0, 0, now.width, now.height }, ENCODING_SIZE);
	v->whole = true;
	return true;
}

static bool begin_update(struct viewer *v)
{
	uint64_t serial = display_cursor_serial(v->display);
	view_refresh(v->view);
	v->offset = view_offset(v->view);
	if (begin_resize(v)) {
		return true;
	}
	if (v->whole) {
		v->whole = false;
		view_touch(v->view, (struct rect){ 0, 0, v->size.width, v->size.height });
	}
	place_pointer(v);
	v->next_rect = 0;
	v->n_rects = view_take(v->view, v->rects, VIEW_RECTS_MAX);
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
	struct viewer *v = data;
	(void)source;
	(void)usec;
	loop_drop(&v->frame);
	pump(v);
	return 0;
}

static int on_turn(sd_event_source *source, void *data)
{
	struct viewer *v = data;
	(void)source;
	loop_drop(&v->turn);
	pump(v);
	return 0;
}

/* False: nothing to begin now. */
static bool next_update(struct viewer *v)
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
static bool flush(struct viewer *v)
{
	if (v->out.len > 0) {
		buf_consume(&v->out, v->handlers->write(v->out.data, v->out.len, v->data));
	}
	return v->out.len == 0;
}

static void pump(struct viewer *v)
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

void viewer_writable(struct viewer *v)
{
	pump(v);
}

/* ---- what a viewer says: m is whole ---- */

static bool take_format(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	v->whole = true;
	return rfb_format_read(&v->how.format, m + 4, err);
}

static bool take_encodings(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)err;
	v->how.tight = v->takes_size = v->draws_pointer = false;
	v->how.quality = RFB_LOSSLESS;
	for (size_t at = 4; at < len; at += 4) {
		int32_t encoding = (int32_t)get_u32(m + at);
		v->how.tight = v->how.tight || encoding == RFB_TIGHT;
		v->takes_size = v->takes_size || encoding == ENCODING_SIZE;
		v->draws_pointer = v->draws_pointer || encoding == ENCODING_CURSOR;
		if (encoding >= QUALITY_0 && encoding <= QUALITY_9) {
			v->how.quality = encoding - QUALITY_0;
		}
	}
	v->cursor_sent = UINT64_MAX;
	return true;
}

static bool take_request(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	(void)err;
	v->wanted = true;
	if (!m[1]) {
		view_touch(v->view, (struct rect){ (int)get_u16(m + 2), (int)get_u16(m + 4),
					    (int)get_u16(m + 6), (int)get_u16(m + 8) });
	}
	return true;
}

static bool take_key(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	(void)err;
	view_input_key(v->input, get_u32(m + 4), m[1] != 0);
	return true;
}

static int clip(int value, int max)
{
	return value < max ? value : max > 0 ? max - 1 : 0;
}

static bool take_pointer(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	struct point at = { v->offset.x + clip((int)get_u16(m + 2), v->size.width),
		v->offset.y + clip((int)get_u16(m + 4), v->size.height) };
	(void)len;
	(void)err;
	view_input_pointer(v->input, at, m[1]);
	return true;
}

/* A clipboard is the whole desktop's; and a window's size is not for a viewer to choose. */
static size_t cut_text_length(const uint8_t *head)
{
	uint32_t n = get_u32(head + 4);
	n = n & 0x80000000u ? 0u - n : n;
	return n > CUT_TEXT_MAX ? SIZE_MAX : 8 + (size_t)n;
}

static size_t size_length(const uint8_t *head)
{
	return 8 + 16 * (size_t)head[6];
}

static size_t encodings_length(const uint8_t *head)
{
	size_t n = get_u16(head + 2);
	return n > ENCODINGS_MAX ? SIZE_MAX : 4 + 4 * n;
}

static const struct message {
	uint8_t type;
	uint8_t head; /* bytes that tell its length; without a length(), all of it */
	size_t (*length)(const uint8_t *head); /* SIZE_MAX: too long */
	bool (*take)(struct viewer *v, const uint8_t *m, size_t len, struct err *err);
} messages[] = {
	{ 0, 20, NULL, take_format },
	{ 2, 4, encodings_length, take_encodings },
	{ 3, 10, NULL, take_request },
	{ 4, 8, NULL, take_key },
	{ 5, 6, NULL, take_pointer },
	{ 6, 8, cut_text_length, NULL },
	{ 251, 8, size_length, NULL },
};

/* ---- the handshake ---- */

static bool take_hello(struct viewer *v, const uint8_t *m, struct err *err)
{
	if (memcmp(m, HELLO, strlen(HELLO)) != 0) {
		return err_set(err, ERR_ARGUMENT, "a viewer must speak RFB 3.8");
	}
	buf_append(&v->out, "\1\1", 2);
	return true;
}

static bool take_security(struct viewer *v, const uint8_t *m, struct err *err)
{
	if (m[0] != 1) {
		return err_set(err, ERR_ARGUMENT,
			"a viewer must choose the security type None, not %u", m[0]);
	}
	put_u32(&v->out, 0);
	return true;
}

static bool take_init(struct viewer *v, const uint8_t *m, struct err *err)
{
	struct window_info info;
	uint8_t format[16];
	(void)m;
	if (!windows_describe(v->display, view_window(v->view), &info)) {
		return err_set(err, ERR_NOT_FOUND, "the window was closed");
	}
	view_refresh(v->view);
	v->offset = view_offset(v->view);
	v->size = view_picture(v->view)->size;
	put_u16(&v->out, (unsigned)v->size.width);
	put_u16(&v->out, (unsigned)v->size.height);
	rfb_format_write(&v->how.format, format);
	buf_append(&v->out, format, sizeof(format));
	put_u32(&v->out, (uint32_t)strlen(info.title));
	buf_append(&v->out, info.title, strlen(info.title));
	return true;
}

static const struct stage {
	size_t length;
	bool (*take)(struct viewer *v, const uint8_t *m, struct err *err);
} stages[] = {
	{ sizeof(HELLO) - 1, take_hello },
	{ 1, take_security },
	{ 1, take_init },
};

#define STAGES ((int)(sizeof(stages) / sizeof(*stages)))

/* ---- taking bytes ---- */

static const struct message *find_message(uint8_t type)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		if (messages[i].type == type) {
			return &messages[i];
		}
	}
	return NULL;
}

/* How many bytes of m were used; 0: not all of it is there; SIZE_MAX with err: it is none. */
static size_t take_stage(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	const struct stage *stage = &stages[v->stage];
	if (len < stage->length) {
		return 0;
	}
	v->stage++;
	return stage->take(v, m, err) ? stage->length : SIZE_MAX;
}

static size_t take_message(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	const struct message *row = find_message(m[0]);
	if (!row) {
		err_set(err, ERR_ARGUMENT, "a viewer sent a message of type %u, which is not known",
			m[0]);
		return SIZE_MAX;
	}
	if (len < row->head) {
		return 0;
	}
	size_t whole = row->length ? row->length(m) : row->head;
	if (whole == SIZE_MAX) {
		err_set(err, ERR_ARGUMENT, "a viewer's message of type %u is too long", row->type);
		return SIZE_MAX;
	}
	if (!row->take) {
		v->skip = whole - row->head;
		return row->head;
	}
	if (len < whole) {
		return 0;
	}
	return row->take(v, m, whole, err) ? whole : SIZE_MAX;
}

static size_t take_next(struct viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	if (v->skip > 0) {
		size_t n = v->skip < len ? v->skip : len;
		v->skip -= n;
		return n;
	}
	return (v->stage < STAGES ? take_stage : take_message)(v, m, len, err);
}

static void take_all(struct viewer *v)
{
	struct err err;
	size_t at = 0, used = 1;
	while (used > 0 && at < v->in.len && !v->over) {
		used = take_next(v, v->in.data + at, v->in.len - at, &err);
		if (used == SIZE_MAX) {
			end(v, &err);
			return;
		}
		at += used;
	}
	buf_consume(&v->in, at);
}

void viewer_feed(struct viewer *v, const void *bytes, size_t len)
{
	if (!v->over) {
		buf_append(&v->in, bytes, len);
		take_all(v);
		pump(v);
	}
}

/* ---- the view ---- */

static void on_changed(void *data)
{
	struct viewer *v = data;
	if (v->wanted && !v->frame) {
		uint64_t now = loop_now_us(), due = v->last_us + FRAME_MS * 1000;
		v->frame = loop_after_ms(v->agent->event, due > now ? FRAME_MS : 0, on_frame, v);
	}
}

static void on_restacked(void *data)
{
	struct viewer *v = data;
	view_input_retry(v->input);
}

/* The view is gone with the window, or with its display. */
static void on_view_ended(const struct err *why, void *data)
{
	struct viewer *v = data;
	v->over = true;
	v->handlers->ended(why, v->data);
}

static const struct view_handlers view_handlers = {
	.changed = on_changed,
	.restacked = on_restacked,
	.ended = on_view_ended,
};

/* ---- life ---- */

static bool open_window(struct viewer *v, uint32_t number, struct err *err)
{
	struct display *d = v->display;
	if (!d || display_is_lost(d)) {
		return err_set(
			err, ERR_STATE, "the X server is being restarted; try again in a second");
	}
	Window window = windows_find(d, number);
	if (!window) {
		return err_set(err, ERR_NOT_FOUND,
			"there is no window %u (any more); the list of windows says which there "
			"are",
			number);
	}
	v->encoder = rfb_encoder_new(err);
	v->view = v->encoder ? view_new(d, window, &view_handlers, v, err) : NULL;
	if (!v->view) {
		return false;
	}
	v->input = view_input_new(v->agent, v->view);
	v->cursor = cursor_new(d);
	display_watch_motion(d, true);
	return true;
}

struct viewer *viewer_new(struct agent *agent, uint32_t window,
	const struct viewer_handlers *handlers, void *data, struct err *err)
{
	struct viewer *v = must(calloc(1, sizeof(*v)));
	v->agent = agent;
	v->display = agent->display;
	v->handlers = handlers;
	v->data = data;
	v->how = (struct rfb_how){ .format = rfb_format_own, .quality = RFB_LOSSLESS };
	v->cursor_sent = UINT64_MAX;
	if (!open_window(v, window, err)) {
		viewer_free(v);
		return NULL;
	}
	buf_append(&v->out, HELLO, strlen(HELLO));
	pump(v);
	return v;
}

void viewer_free(struct viewer *v)
{
	if (!v) {
		return;
	}
	if (v->view) {
		display_watch_motion(v->display, false);
	}
	view_input_free(v->input);
	view_free(v->view);
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

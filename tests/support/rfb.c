#include "tests/support/rfb.h"

/* ---- what a viewer says ---- */

void rfb_u8(struct buf *to, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	buf_append(to, &byte, 1);
}

void rfb_u16(struct buf *to, unsigned value)
{
	rfb_u8(to, value >> 8);
	rfb_u8(to, value);
}

void rfb_u32(struct buf *to, uint32_t value)
{
	rfb_u16(to, value >> 16);
	rfb_u16(to, value);
}

/* A whole handshake at once: a server takes it as it comes. */
void rfb_say_hello(struct buf *to)
{
	buf_append(to, RFB_HELLO "\1\1", 14);
}

void rfb_say_encodings(struct buf *to, const int32_t *encodings, size_t n)
{
	rfb_u16(to, 2 << 8);
	rfb_u16(to, (unsigned)n);
	for (size_t i = 0; i < n; i++) {
		rfb_u32(to, (uint32_t)encodings[i]);
	}
}

void rfb_say_update(
	struct buf *to, bool incremental, unsigned x, unsigned y, unsigned width, unsigned height)
{
	rfb_u16(to, 3 << 8 | incremental);
	rfb_u16(to, x);
	rfb_u16(to, y);
	rfb_u16(to, width);
	rfb_u16(to, height);
}

void rfb_say_key(struct buf *to, bool down, uint32_t keysym)
{
	rfb_u16(to, 4 << 8 | down);
	rfb_u16(to, 0);
	rfb_u32(to, keysym);
}

void rfb_say_pointer(struct buf *to, unsigned buttons, unsigned x, unsigned y)
{
	rfb_u16(to, 5 << 8 | buttons);
	rfb_u16(to, x);
	rfb_u16(to, y);
}

void rfb_say_cut_text(struct buf *to, const char *text, size_t len)
{
	rfb_u32(to, 6 << 24);
	rfb_u32(to, (uint32_t)len);
	buf_append(to, text, len);
}

void rfb_say_size(struct buf *to, unsigned width, unsigned height)
{
	rfb_u16(to, 251 << 8);
	rfb_u16(to, width);
	rfb_u16(to, height);
	rfb_u16(to, 1 << 8);
	rfb_u32(to, 1);
	rfb_u32(to, 0);
	rfb_u16(to, width);
	rfb_u16(to, height);
	rfb_u32(to, 0);
}

void rfb_say_format(struct buf *to, const uint8_t format[16])
{
	rfb_u32(to, 0);
	buf_append(to, format, 16);
}

void rfb_say_continuous(struct buf *to, bool on)
{
	rfb_u16(to, 150 << 8 | on);
	rfb_u32(to, 0);
	rfb_u32(to, 0xffffffff);
}

void rfb_say_fence(struct buf *to, uint32_t flags, const void *bytes, size_t len)
{
	rfb_u32(to, 248u << 24);
	rfb_u32(to, flags);
	rfb_u8(to, (unsigned)len);
	buf_append(to, bytes, len);
}

/* ---- what a server says ---- */

unsigned rfb_get(const struct buf *buf, size_t at, size_t bytes)
{
	unsigned value = 0;
	for (size_t i = 0; i < bytes; i++) {
		value = value << 8 | buf->data[at + i];
	}
	return value;
}

/* From now on all pixels are kept; after the handshake. */
void rfb_keep(struct rfb_seen *s)
{
	free(s->frame);
	s->frame = calloc((size_t)s->width * s->height, sizeof(*s->frame));
}

static void rfb_resize(struct rfb_seen *s, unsigned width, unsigned height)
{
	s->width = width;
	s->height = height;
	if (s->frame) {
		rfb_keep(s);
	}
}

static void rfb_put(struct rfb_seen *s, const uint32_t *pixels)
{
	cr_assert(s->x + s->rect_w <= s->width && s->y + s->rect_h <= s->height);
	for (unsigned y = 0; s->frame && y < s->rect_h; y++) {
		memcpy(s->frame + (size_t)(s->y + y) * s->width + s->x,
			pixels + (size_t)y * s->rect_w, (size_t)s->rect_w * 4);
	}
	if (s->rect_w > 0 && s->rect_h > 0) {
		s->last_pixel = pixels[(size_t)s->rect_w * s->rect_h - 1];
	}
	s->pixels += (int)(s->rect_w * s->rect_h);
}

/* Bytes of the handshake's next part; 0: not all there. */
static size_t rfb_shake(struct rfb_seen *s, const struct buf *in)
{
	switch (s->stage) {
	case 0:
		if (in->len < 12) {
			return 0;
		}
		cr_assert_eq(memcmp(in->data, RFB_HELLO, 12), 0);
		return 12;
	case 1:
		if (in->len < 2) {
			return 0;
		}
		cr_assert_eq(rfb_get(in, 0, 2), 0x101, "security: None and nothing else");
		return 2;
	case 2:
		if (in->len < 4) {
			return 0;
		}
		cr_assert_eq(rfb_get(in, 0, 4), 0);
		return 4;
	default:
		if (in->len < 24 || in->len < 24 + rfb_get(in, 20, 4)) {
			return 0;
		}
		s->width = rfb_get(in, 0, 2);
		s->height = rfb_get(in, 2, 2);
		snprintf(s->name, sizeof(s->name), "%.*s", (int)rfb_get(in, 20, 4),
			(const char *)in->data + 24);
		return 24 + rfb_get(in, 20, 4);
	}
}

/* ---- rectangles: what is behind their heads; how many bytes that has, 0: not all there ---- */

static size_t rfb_take_raw(struct rfb_seen *s, const struct buf *in)
{
	unsigned bytes = s->pixel_bytes ? s->pixel_bytes : 4;
	size_t n = (size_t)s->rect_w * s->rect_h;
	if (in->len < 12 + n * bytes) {
		return 0;
	}
	uint32_t *pixels = calloc(n + 1, sizeof(*pixels));
	const uint8_t *from = in->data + 12;
	for (size_t i = 0; i < n; i++, from += bytes) {
		for (unsigned b = 0; b < bytes; b++) {
			pixels[i] |= (uint32_t)from[s->big_endian ? bytes - 1 - b : b] << 8 * b;
		}
	}
	rfb_put(s, pixels);
	free(pixels);
	return 12 + n * bytes;
}

static size_t rfb_take_copy(struct rfb_seen *s, const struct buf *in)
{
	if (in->len < 16) {
		return 0;
	}
	unsigned x = rfb_get(in, 12, 2), y = rfb_get(in, 14, 2);
	cr_assert(x + s->rect_w <= s->width && y + s->rect_h <= s->height);
	uint32_t *pixels = calloc((size_t)s->rect_w * s->rect_h + 1, sizeof(*pixels));
	for (unsigned row = 0; s->frame && row < s->rect_h; row++) {
		memcpy(pixels + (size_t)row * s->rect_w,
			s->frame + (size_t)(y + row) * s->width + x, (size_t)s->rect_w * 4);
	}
	rfb_put(s, pixels);
	free(pixels);
	s->copies++;
	return 16;
}

static size_t rfb_take_tight(struct rfb_seen *s, const struct buf *in)
{
	cr_assert_not_null(s->tight, "Tight was not asked for");
	uint32_t *pixels = calloc((size_t)s->rect_w * s->rect_h + 1, sizeof(*pixels));
	size_t used = s->tight(
		s->tight_data, in->data + 12, in->len - 12, (int)s->rect_w, (int)s->rect_h, pixels);
	if (used > 0) {
		rfb_put(s, pixels);
		s->tights++;
	}
	free(pixels);
	return used ? 12 + used : 0;
}

static size_t rfb_take_film(struct rfb_seen *s, const struct buf *in)
{
	cr_assert_not_null(s->film, "films were not asked for");
	if (in->len < 20 || in->len < 20 + rfb_get(in, 16, 4)) {
		return 0;
	}
	size_t len = rfb_get(in, 16, 4);
	uint32_t *pixels = calloc((size_t)s->rect_w * s->rect_h + 1, sizeof(*pixels));
	s->film(s->tight_data, in->data[12], in->data[13] & 1, in->data + 20, len, (int)s->rect_w,
		(int)s->rect_h, pixels);
	rfb_put(s, pixels);
	free(pixels);
	s->films++;
	return 20 + len;
}

static size_t rfb_take_cursor(struct rfb_seen *s, const struct buf *in, int32_t encoding)
{
	size_t n = (size_t)s->rect_w * s->rect_h;
	size_t len = encoding == RFB_CURSOR_VMWARE  ? 2 + n * 4
		     : encoding == RFB_CURSOR_ALPHA ? 4 + n * 4
						    : n * (s->pixel_bytes ? s->pixel_bytes : 4) +
							      (s->rect_w + 7) / 8 * s->rect_h;
	if (in->len < 12 + len) {
		return 0;
	}
	s->cursors++;
	s->cursor.len = 0;
	buf_append(&s->cursor, in->data, 12 + len);
	return 12 + len;
}

static size_t rfb_take_size(struct rfb_seen *s, const struct buf *in, int32_t encoding)
{
	size_t len = 12;
	if (encoding == RFB_EXTENDED_SIZE) {
		len = in->len > 12 ? 16 + 16 * (size_t)in->data[12] : SIZE_MAX;
	} else {
		rfb_resize(s, s->rect_w, s->rect_h);
	}
	s->sizes += in->len >= len;
	return in->len >= len ? len : 0;
}

static size_t rfb_rect(struct rfb_seen *s, const struct buf *in)
{
	if (in->len < 12) {
		return 0;
	}
	int32_t encoding = (int32_t)rfb_get(in, 8, 4);
	s->x = rfb_get(in, 0, 2);
	s->y = rfb_get(in, 2, 2);
	s->rect_w = rfb_get(in, 4, 2);
	s->rect_h = rfb_get(in, 6, 2);
	switch (encoding) {
	case RFB_RAW:
		return rfb_take_raw(s, in);
	case RFB_COPY_RECT:
		return rfb_take_copy(s, in);
	case RFB_TIGHT:
		return rfb_take_tight(s, in);
	case RFB_VP9:
		return rfb_take_film(s, in);
	case RFB_CURSOR:
	case RFB_CURSOR_ALPHA:
	case RFB_CURSOR_VMWARE:
		return rfb_take_cursor(s, in, encoding);
	case RFB_DESKTOP_SIZE:
	case RFB_EXTENDED_SIZE:
		return rfb_take_size(s, in, encoding);
	default:
		cr_assert_fail("encoding %d was not asked for", encoding);
		return 0;
	}
}

/* ---- messages ---- */

static size_t rfb_take_rect(struct rfb_seen *s, const struct buf *in)
{
	size_t used = rfb_rect(s, in);
	if (used > 0) {
		s->rects++;
		s->updates += --s->left == 0;
	}
	return used;
}

static size_t rfb_take_head(struct rfb_seen *s, const struct buf *in)
{
	if (in->len < 4) {
		return 0;
	}
	s->left = rfb_get(in, 2, 2);
	s->empty += s->left == 0;
	s->updates += s->left == 0;
	return 4;
}

static size_t rfb_take_fence(struct rfb_seen *s, const struct buf *in)
{
	if (in->len < 9 || in->len < 9 + (size_t)in->data[8]) {
		return 0;
	}
	uint32_t flags = rfb_get(in, 4, 4);
	cr_assert_not_null(s->say, "fences were not asked for");
	s->fences++;
	if (flags >> 31) {
		rfb_say_fence(s->say, flags & 3, in->data + 9, in->data[8]);
	}
	return 9 + (size_t)in->data[8];
}

/* The next message, or part of an update. */
static size_t rfb_message(struct rfb_seen *s, const struct buf *in)
{
	if (s->left > 0) {
		return rfb_take_rect(s, in);
	}
	switch (in->data[0]) {
	case 0:
		return rfb_take_head(s, in);
	case 2:
		s->bells++;
		return 1;
	case 3:
		if (in->len < 8 || in->len < 8 + rfb_get(in, 4, 4)) {
			return 0;
		}
		s->cut_texts++;
		s->cut_text.len = 0;
		buf_append(&s->cut_text, in->data + 8, rfb_get(in, 4, 4));
		return 8 + rfb_get(in, 4, 4);
	case 150:
		s->continuous_ends++;
		return 1;
	case 248:
		return rfb_take_fence(s, in);
	default:
		cr_assert_fail("a message %u", in->data[0]);
		return 0;
	}
}

void rfb_take(struct rfb_seen *s, const void *bytes, size_t len)
{
	size_t used = 1, at = 0;
	buf_append(&s->in, bytes, len);
	while (used > 0 && at < s->in.len) {
		const struct buf in = { s->in.data + at, s->in.len - at, 0 };
		used = s->stage < 4 ? rfb_shake(s, &in) : rfb_message(s, &in);
		s->stage += s->stage < 4 && used > 0;
		at += used;
	}
	buf_consume(&s->in, at);
}

void rfb_seen_done(struct rfb_seen *s)
{
	buf_done(&s->in);
	buf_done(&s->cursor);
	buf_done(&s->cut_text);
	free(s->frame);
	s->frame = NULL;
}

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

/* ---- what a server says ---- */

static unsigned rfb_get(const struct buf *buf, size_t at, size_t bytes)
{
	unsigned value = 0;
	for (size_t i = 0; i < bytes; i++) {
		value = value << 8 | buf->data[at + i];
	}
	return value;
}

void rfb_keep(struct rfb_seen *s)
{
	free(s->frame);
	s->frame = calloc((size_t)s->width * s->height, sizeof(*s->frame));
}

static void rfb_put(struct rfb_seen *s, const uint8_t *pixels)
{
	cr_assert(s->x + s->rect_w <= s->width && s->y + s->rect_h <= s->height);
	for (unsigned y = 0; s->frame && y < s->rect_h; y++) {
		memcpy(s->frame + (size_t)(s->y + y) * s->width + s->x,
			pixels + (size_t)y * s->rect_w * 4, (size_t)s->rect_w * 4);
	}
}

/* Bytes of the handshake's next part; 0: not all there. */
static size_t rfb_shake(struct rfb_seen *s)
{
	const struct buf *in = &s->in;
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

static size_t rfb_rect(struct rfb_seen *s)
{
	const struct buf *in = &s->in;
	if (in->len < 12) {
		return 0;
	}
	unsigned width = rfb_get(in, 4, 2), height = rfb_get(in, 6, 2);
	int32_t encoding = (int32_t)rfb_get(in, 8, 4);
	size_t len = encoding == RFB_RAW ? (size_t)width * height * 4
		     : encoding == 1     ? 4
		     : encoding == RFB_CURSOR
			     ? (size_t)width * height * 4 + (width + 7) / 8 * height
		     : encoding == RFB_EXTENDED_SIZE
			     ? (in->len > 12 ? 4 + 16 * (size_t)in->data[12] : in->len)
			     : 0;
	cr_assert(len || encoding == RFB_DESKTOP_SIZE || width * height == 0,
		"encoding %d was not asked for", encoding);
	if (in->len < 12 + len) {
		return 0;
	}
	s->cursors += encoding == RFB_CURSOR;
	s->sizes += encoding == RFB_DESKTOP_SIZE || encoding == RFB_EXTENDED_SIZE;
	if (encoding == RFB_DESKTOP_SIZE) {
		s->width = width;
		s->height = height;
		if (s->frame) {
			rfb_keep(s);
		}
	}
	if (encoding == RFB_RAW) {
		s->pixels += (int)(width * height);
		s->x = rfb_get(in, 0, 2);
		s->y = rfb_get(in, 2, 2);
		s->rect_w = width;
		s->rect_h = height;
		memcpy(&s->last_pixel, in->data + 12 + len - 4, 4);
		rfb_put(s, in->data + 12);
	}
	s->rects++;
	s->updates += --s->left == 0;
	return 12 + len;
}

/* The next message, or part of an update. */
static size_t rfb_message(struct rfb_seen *s)
{
	const struct buf *in = &s->in;
	if (s->left > 0) {
		return rfb_rect(s);
	}
	switch (in->data[0]) {
	case 0:
		s->left = in->len < 4 ? 0 : rfb_get(in, 2, 2);
		return in->len < 4 ? 0 : 4;
	case 2:
		s->bells++;
		return 1;
	case 3:
		if (in->len < 8 || in->len < 8 + rfb_get(in, 4, 4)) {
			return 0;
		}
		s->cut_texts++;
		return 8 + rfb_get(in, 4, 4);
	default:
		cr_assert_fail("a message %u", in->data[0]);
		return 0;
	}
}

void rfb_take(struct rfb_seen *s, const void *bytes, size_t len)
{
	size_t used = 1;
	buf_append(&s->in, bytes, len);
	while (used > 0 && s->in.len > 0) {
		used = s->stage < 4 ? rfb_shake(s) : rfb_message(s);
		s->stage += s->stage < 4 && used > 0;
		buf_consume(&s->in, used);
	}
}

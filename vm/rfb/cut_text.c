/*
 * The clipboard in both directions: cut texts, which are Latin-1, and the Extended Clipboard, which
 * has UTF-8 in zlib.  Whatever else the extension can carry is ignored.
 */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/rfb/server_impl.h"

#include <string.h>
#include <zlib.h>

enum { SERVER_CUT_TEXT = 3 };
enum {
	HAS_TEXT = 1u,
	IS_CAPS = 1u << 24,
	IS_REQUEST = 1u << 25,
	IS_NOTIFY = 1u << 27,
	IS_PROVIDE = 1u << 28,
};

/* ---- what is said ---- */

static void say(struct rfb_viewer *v, uint32_t flags, const void *more, size_t len)
{
	uint8_t head[12] = { SERVER_CUT_TEXT };
	bytes_put_u32(head + 4, 0u - (uint32_t)(4 + len));
	bytes_put_u32(head + 8, flags);
	rfb_viewer_put(v, head, sizeof(head));
	rfb_viewer_put(v, more, len);
}

/* Of text, nothing is wanted unasked: the viewer notifies, and is asked. */
void rfb_viewer_offer_clipboard(struct rfb_viewer *v)
{
	static const uint8_t none[4];
	if (v->control && v->clipboard && v->lists_clipboard && !v->offered_clipboard) {
		v->offered_clipboard = true;
		say(v, IS_CAPS | IS_REQUEST | IS_NOTIFY | IS_PROVIDE | HAS_TEXT, none,
			sizeof(none));
	}
}

static bool is_offered(const struct rfb_viewer *v)
{
	return v->control && v->clipboard && !v->over;
}

static bool is_extended(const struct rfb_viewer *v)
{
	return v->offered_clipboard && v->lists_clipboard;
}

void rfb_viewer_copied(struct rfb_viewer *v)
{
	if (is_offered(v) && is_extended(v)) {
		say(v, IS_NOTIFY | HAS_TEXT, NULL, 0);
		rfb_viewer_flush(v);
	} else if (is_offered(v)) {
		v->fns->text_wanted(v->data);
	}
}

/* With CR LF and a NUL, as viewers expect. */
static void put_provided(struct rfb_viewer *v, const char *text, size_t len)
{
	auto_buf struct buf plain = { 0 }, message = { 0 };
	bytes_append_u32(&plain, 0);
	for (size_t i = 0; i < len; i++) {
		bool ends_line = text[i] == '\n' && (i == 0 || text[i - 1] != '\r');
		buf_append(&plain, "\r", ends_line);
		buf_append(&plain, &text[i], 1);
	}
	buf_append(&plain, "", 1);
	bytes_put_u32(plain.data, (uint32_t)(plain.len - 4));
	uLongf packed = compressBound(plain.len);
	buf_reserve(&message, 12 + packed);
	(void)!compress2(message.data + 12, &packed, plain.data, plain.len, Z_BEST_SPEED);
	message.len = 12 + packed;
	memset(message.data, 0, 4);
	message.data[0] = SERVER_CUT_TEXT;
	bytes_put_u32(message.data + 4, 0u - (uint32_t)(4 + packed));
	bytes_put_u32(message.data + 8, IS_PROVIDE | HAS_TEXT);
	rfb_viewer_put_text(v, &message);
}

/* What Latin-1 does not have becomes a question mark. */
static void put_latin1(struct rfb_viewer *v, const char *text, size_t len)
{
	auto_buf struct buf message = { 0 };
	buf_append(&message, "\3\0\0\0\0\0\0\0", 8);
	for (size_t i = 0; i < len;) {
		const uint8_t *s = (const uint8_t *)text + i;
		size_t n = utf8_claimed_len(*s);
		bool wide = n != 1 && (n != 2 || *s > 0xc3);
		uint8_t c = n == 1 ? *s : wide ? '?' : (uint8_t)(*s << 6 | (s[1] & 0x3f));
		buf_append(&message, &c, 1);
		i += n;
	}
	bytes_put_u32(message.data + 4, (uint32_t)message.len - 8);
	rfb_viewer_put_text(v, &message);
}

void rfb_viewer_give_text(struct rfb_viewer *v, const char *text, size_t len)
{
	if (is_offered(v) && len <= RFB_CUT_TEXT_MAX && utf8_is_valid((const uint8_t *)text, len)) {
		(is_extended(v) ? put_provided : put_latin1)(v, text, len);
		rfb_viewer_flush(v);
	}
}

/* ---- texts of the viewer ---- */

/* Lines end with CR LF on the way; here with LF. */
static void give(struct rfb_viewer *v, const struct buf *text)
{
	auto_buf struct buf clean = { 0 };
	size_t to = 0;
	utf8_append_clean(&clean, (const uint8_t *)buf_text(text), text->len);
	for (size_t i = 0; i < clean.len; i++) {
		if (clean.data[i] != '\r' || i + 1 == clean.len || clean.data[i + 1] != '\n') {
			clean.data[to++] = clean.data[i];
		}
	}
	v->fns->cut_text(buf_text(&clean), to, v->data);
}

static void take_latin1(struct rfb_viewer *v, const uint8_t *s, size_t len)
{
	auto_buf struct buf text = { 0 };
	utf8_append_latin1(&text, s, len);
	give(v, &text);
}

/* Inflates at most max bytes; false: it is no zlib, or longer. */
static bool inflate_at_most(const uint8_t *bytes, size_t len, size_t max, struct buf *to)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len };
	uint8_t part[4096];
	int status = inflateInit(&z);
	while (status == Z_OK && to->len <= max) {
		z.next_out = part;
		z.avail_out = sizeof(part);
		status = inflate(&z, Z_SYNC_FLUSH);
		buf_append(to, part, sizeof(part) - z.avail_out);
		if (status == Z_OK && z.avail_in == 0 && z.avail_out > 0) {
			break; /* viewers flush the stream, and need not end it */
		}
	}
	inflateEnd(&z);
	return (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR) &&
	       to->len <= max;
}

/* {u32 length, text, NUL} for the text, which comes first. */
static void take_provided(struct rfb_viewer *v, const uint8_t *bytes, size_t len)
{
	auto_buf struct buf all = { 0 };
	if (!inflate_at_most(bytes, len, RFB_CUT_TEXT_MAX + 5, &all) || all.len < 4) {
		return;
	}
	size_t n = bytes_get_u32(all.data);
	if (n > all.len - 4) {
		return;
	}
	while (n > 0 && all.data[4 + n - 1] == '\0') {
		n--;
	}
	struct buf text = { .data = all.data + 4, .len = n };
	give(v, &text);
}

static void take_extended(struct rfb_viewer *v, const uint8_t *m, size_t len)
{
	uint32_t flags = len < 12 ? 0 : bytes_get_u32(m + 8);
	if (!v->offered_clipboard || !(flags & HAS_TEXT) || flags & IS_CAPS) {
		return;
	}
	if (flags & IS_REQUEST && is_offered(v) && v->fns->text_wanted) {
		v->fns->text_wanted(v->data);
	} else if (flags & IS_NOTIFY) {
		say(v, IS_REQUEST | HAS_TEXT, NULL, 0);
	} else if (flags & IS_PROVIDE) {
		take_provided(v, m + 12, len - 12);
	}
}

bool rfb_viewer_take_cut_text(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)err;
	if (!v->control || !v->fns->cut_text) {
		return true;
	}
	if (m[4] & 0x80) {
		take_extended(v, m, len);
	} else {
		take_latin1(v, m + 8, len - 8);
	}
	return true;
}

// USES rfb
/* A viewer's clipboard: taken from one with control, in both encodings, and nothing is sent unasked. */
#include "vm/rfb/server_impl.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#define EXTENDED 0xc0a1e5ceu
#define TEXT 1u
#define CAPS (1u << 24)
#define REQUEST (1u << 25)
#define NOTIFY (1u << 27)
#define PROVIDE (1u << 28)

static uint32_t pixels[16 * 16];
static struct image picture = { (uint8_t *)pixels, { 16, 16 }, 16 * 4 };
static struct rfb_server *server;
static struct rfb_viewer *viewer;
static struct buf sent, text;
static int texts, wanted;
static size_t room = SIZE_MAX;
static sd_event *event;

static const char *name(void *data)
{
	(void)data;
	return "test";
}

static void refresh(struct picture_change *ret, void *data)
{
	(void)data;
	*ret = (struct picture_change){ 0 };
}

static struct rfb_scene scene(bool place, void *data)
{
	(void)place;
	(void)data;
	return (struct rfb_scene){ .picture = &picture };
}

static size_t on_write(const void *bytes, size_t len, void *data)
{
	(void)data;
	len = len < room ? len : room;
	buf_append(&sent, bytes, len);
	room -= len;
	return len;
}

static void on_key(uint32_t keysym, bool down, void *data)
{
	(void)keysym, (void)down, (void)data;
}

static void on_pointer(struct point at, unsigned buttons, void *data)
{
	(void)at, (void)buttons, (void)data;
}

static bool is_full(void *data)
{
	(void)data;
	return false;
}

static void on_refused(void *data)
{
	(void)data;
}

static void on_ended(const struct err *why, void *data)
{
	(void)data;
	cr_assert_fail("%s", why->text);
}

static void on_cut_text(const char *bytes, size_t len, void *data)
{
	(void)data;
	texts++;
	buf_done(&text);
	buf_append(&text, bytes, len);
}

static void on_text_wanted(void *data)
{
	(void)data;
	wanted++;
}

static void feed(const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 7) { /* cut anywhere */
		rfb_viewer_feed(viewer, (const uint8_t *)bytes + i, len - i < 7 ? len - i : 7);
	}
}

static void list_encodings(uint32_t encoding)
{
	uint8_t m[8] = { 2, 0, 0, 1 };
	bytes_put_u32(m + 4, encoding);
	feed(m, sizeof(m));
}

static void start(void)
{
	static const struct rfb_source source = { name, refresh, scene };
	static const struct rfb_viewer_fns fns = { on_write, on_key, on_pointer, is_full,
		on_refused, on_ended, on_cut_text, on_text_wanted };
	struct err err;
	event = loop_new(&err);
	server = rfb_server_new(event, &source, NULL, &err);
	cr_assert(server, "%s", err.text);
	viewer = rfb_viewer_new(server, &fns, NULL);
	feed(RFB_HELLO "\1\1", strlen(RFB_HELLO) + 2);
	buf_done(&sent);
}

static void stop(void)
{
	rfb_viewer_free(viewer);
	rfb_server_free(server);
	sd_event_unref(event);
	buf_done(&sent);
	buf_done(&text);
}

TestSuite(rfb_clipboard, .init = start, .fini = stop, .timeout = 60);

static void cut(int32_t length, const void *bytes, size_t len)
{
	auto_buf struct buf m = { 0 };
	buf_append(&m, "\6\0\0\0", 4);
	bytes_append_u32(&m, (uint32_t)length);
	buf_append(&m, bytes, len);
	feed(m.data, m.len);
}

static void cut_extended(uint32_t flags, const void *bytes, size_t len)
{
	auto_buf struct buf m = { 0 };
	bytes_append_u32(&m, flags);
	if (len) {
		buf_append(&m, bytes, len);
	}
	cut(-(int32_t)m.len, m.data, m.len);
}

/* size: as the viewer says it. */
static void provide(const char *bytes, size_t len, uint32_t size)
{
	auto_buf struct buf plain = { 0 }, packed = { 0 };
	bytes_append_u32(&plain, size);
	buf_append(&plain, bytes, len);
	uLongf n = compressBound(plain.len);
	buf_reserve(&packed, n);
	cr_assert_eq(compress(packed.data, &n, plain.data, plain.len), Z_OK);
	cut_extended(PROVIDE | TEXT, packed.data, n);
}

static void expect_sent(uint32_t flags, size_t len)
{
	cr_assert_eq(sent.len, len, "%zu bytes", sent.len);
	cr_assert_eq(sent.data[0], 3);
	cr_assert_eq((int32_t)bytes_get_u32(sent.data + 4), -(int32_t)(len - 8));
	cr_assert_eq(bytes_get_u32(sent.data + 8), flags);
	buf_done(&sent);
}

static void be_offered(void)
{
	rfb_viewer_set_control(viewer, true);
	rfb_viewer_set_clipboard(viewer, true);
	list_encodings(EXTENDED);
	expect_sent(CAPS | REQUEST | NOTIFY | PROVIDE | TEXT, 16);
}

Test(rfb_clipboard, latin1_is_taken_with_control_only)
{
	cut(4, "caf\xe9", 4);
	cr_expect_eq(texts, 0);
	rfb_viewer_set_control(viewer, true);
	cut(8, "caf\xe9\r\n\rx", 8);
	cr_expect_eq(texts, 1);
	cr_expect_str_eq(buf_text(&text), "caf\xc3\xa9\n\rx");
	cut(0, "", 0);
	cr_expect_eq(texts, 2);
	cr_expect_eq(text.len, 0);
	cr_expect_eq(sent.len, 0);
}

Test(rfb_clipboard, what_is_too_long_is_skipped)
{
	size_t len = RFB_CUT_TEXT_MAX + 1;
	auto_free char *large = must(malloc(len));
	memset(large, 'x', len);
	rfb_viewer_set_control(viewer, true);
	cut((int32_t)len, large, len);
	cr_expect_eq(texts, 0);
	cut((int32_t)len - 1, large, len - 1);
	cr_expect_eq(texts, 1);
	cr_expect_eq(text.len, len - 1);
}

/* Without it all, in whatever order, a viewer hears nothing of the clipboard. */
Test(rfb_clipboard, nothing_is_sent_but_to_who_may_and_can)
{
	list_encodings(EXTENDED);
	cr_expect_eq(sent.len, 0);
	rfb_viewer_set_clipboard(viewer, true);
	cr_expect_eq(sent.len, 0, "it has no control");
	rfb_viewer_set_clipboard(viewer, false);
	rfb_viewer_set_control(viewer, true);
	cr_expect_eq(sent.len, 0, "it may not");
	cut_extended(NOTIFY | TEXT, NULL, 0);
	provide("early", 6, 6);
	cr_expect_eq(sent.len, 0);
	cr_expect_eq(texts, 0);
	rfb_viewer_set_clipboard(viewer, true);
	expect_sent(CAPS | REQUEST | NOTIFY | PROVIDE | TEXT, 16);
	list_encodings(EXTENDED);
	cr_expect_eq(sent.len, 0, "once");
	list_encodings(0);
	cr_expect_eq(sent.len, 0);
}

Test(rfb_clipboard, utf8_is_asked_for_and_taken)
{
	be_offered();
	cut_extended(CAPS | REQUEST | TEXT, "\0\0\0\0", 4);
	cr_expect_eq(sent.len, 0);
	cut_extended(NOTIFY | TEXT, NULL, 0);
	expect_sent(REQUEST | TEXT, 12);
	provide("k\xc3\xa4me\r\n\xe6\xbc\xa2", 11, 11);
	cr_expect_eq(texts, 1);
	cr_expect_str_eq(buf_text(&text), "k\xc3\xa4me\n\xe6\xbc\xa2");
	rfb_viewer_set_control(viewer, false);
	provide("spy", 4, 4);
	cut_extended(NOTIFY | TEXT, NULL, 0);
	cr_expect_eq(texts, 1);
	cr_expect_eq(sent.len, 0);
}

Test(rfb_clipboard, lies_are_ignored)
{
	static char bomb[1 << 20];
	be_offered();
	provide("short", 5, 500);
	provide("", 0, 0xffffffff);
	provide(bomb, sizeof(bomb), 10);
	cut_extended(PROVIDE | TEXT, "no zlib", 7);
	cut_extended(PROVIDE | TEXT, NULL, 0);
	cut_extended(PROVIDE | 2, "x", 1);
	cut_extended(NOTIFY, NULL, 0);
	cut(-3, "abc", 3);
	cr_expect_eq(texts, 0);
	cr_expect_eq(sent.len, 0);
	provide("a\xff", 3, 3);
	cr_expect_str_eq(buf_text(&text), "a\xef\xbf\xbd");
}

/* ---- what is copied on the desktop ---- */

static void expect_provided(const char *expected, size_t len)
{
	uint8_t plain[200];
	uLongf n = sizeof(plain);
	cr_assert_gt(sent.len, 12);
	cr_assert_eq(bytes_get_u32(sent.data + 4), 0u - (uint32_t)(sent.len - 8));
	cr_assert_eq(bytes_get_u32(sent.data + 8), PROVIDE | TEXT);
	cr_assert_eq(uncompress(plain, &n, sent.data + 12, sent.len - 12), Z_OK);
	cr_assert_eq(n, len + 4);
	cr_expect_eq(bytes_get_u32(plain), len);
	cr_expect_eq(memcmp(plain + 4, expected, len), 0);
	buf_done(&sent);
}

Test(rfb_clipboard, a_copied_text_is_told_and_provided)
{
	be_offered();
	rfb_viewer_copied(viewer);
	expect_sent(NOTIFY | TEXT, 12);
	cr_expect_eq(wanted, 0);
	cut_extended(REQUEST | TEXT, NULL, 0);
	cr_expect_eq(wanted, 1);
	rfb_viewer_give_text(viewer, "k\xc3\xa4me\n\xe6\xbc\xa2\r\n", 11);
	expect_provided("k\xc3\xa4me\r\n\xe6\xbc\xa2\r\n", 13);
}

Test(rfb_clipboard, viewers_without_the_extension_get_latin1)
{
	rfb_viewer_set_control(viewer, true);
	rfb_viewer_set_clipboard(viewer, true);
	rfb_viewer_copied(viewer);
	cr_expect_eq(wanted, 1);
	rfb_viewer_give_text(viewer, "k\xc3\xa4 \xc4\x80 \xe6\xbc\xa2\n", 11);
	cr_assert_eq(sent.len, 8 + 7);
	cr_expect_eq(memcmp(sent.data, "\3\0\0\0\0\0\0\7k\xe4 ? ?\n", 15), 0);
}

Test(rfb_clipboard, who_has_no_control_is_told_and_given_nothing)
{
	be_offered();
	rfb_viewer_copied(viewer);
	rfb_viewer_set_control(viewer, false);
	buf_done(&sent);
	cut_extended(REQUEST | TEXT, NULL, 0);
	cr_expect_eq(wanted, 0);
	rfb_viewer_give_text(viewer, "late", 4);
	rfb_viewer_copied(viewer);
	cr_expect_eq(sent.len, 0);
	rfb_viewer_set_control(viewer, true);
	rfb_viewer_set_clipboard(viewer, false);
	rfb_viewer_copied(viewer);
	rfb_viewer_give_text(viewer, "spy", 3);
	cr_expect_eq(sent.len + (size_t)wanted, 0);
}

/* A long one does not count as an answer that the viewer does not take; a second one waits for none. */
Test(rfb_clipboard, long_texts_are_given_one_at_a_time)
{
	size_t len = RFB_CUT_TEXT_MAX;
	auto_free char *large = must(calloc(1, len + 1));
	memset(large, 'x', len);
	rfb_viewer_set_control(viewer, true);
	rfb_viewer_set_clipboard(viewer, true);
	room = 5;
	rfb_viewer_give_text(viewer, large, len);
	rfb_viewer_give_text(viewer, large, len);
	rfb_viewer_give_text(viewer, large, len + 1);
	room = SIZE_MAX;
	rfb_viewer_writable(viewer);
	cr_expect_eq(sent.len, 8 + len);
	rfb_viewer_give_text(viewer, "x", 1);
	cr_expect_eq(sent.len, 8 + len + 9);
}

// USES transport
/* What a viewer may say: each message in each policy, cut at every byte, and what is refused. */
#include "tests/support/rfb.h"
#include "tests/support/rfb_check.h"
#include "transport/rfb/filter.h"

#include "base/cleanup.h"

/* ---- messages that only these tests say ---- */

static void say_format(struct buf *to, unsigned bits)
{
	uint8_t m[20] = { 0, 0, 0, 0, (uint8_t)bits, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 };
	buf_append(to, m, sizeof(m));
}

static void say_fence(struct buf *to, unsigned len)
{
	static const uint8_t payload[256] = { 1, 2, 3 };
	rfb_u32(to, 248u << 24);
	rfb_u32(to, 1);
	rfb_u8(to, len);
	buf_append(to, payload, len);
}

static void say_continuous(struct buf *to)
{
	rfb_u16(to, 150 << 8 | 1);
	rfb_u32(to, 0);
	rfb_u32(to, 1280u << 16 | 800);
}

static void say_extended_clipboard(struct buf *to, size_t len)
{
	rfb_u32(to, 6 << 24);
	rfb_u32(to, (uint32_t) - (int32_t)len);
	for (size_t i = 0; i < len; i++) {
		rfb_u8(to, (unsigned)i);
	}
}

static const int32_t wished[] = { 7, 16, 0, -223, -308, -239, -314, 0x574d5664, -316, -309, -312,
	-313, 999, -24 };
static const int32_t in_view[] = { 7, 16, 0, -223, -308, -316, -309, -312, -313, 999, -24 };

#define SAY_ENCODINGS(to, list) rfb_say_encodings(to, list, sizeof(list) / sizeof(*(list)))

static void say_wished(struct buf *to)
{
	SAY_ENCODINGS(to, wished);
}

static void say_32(struct buf *to)
{
	say_format(to, 32);
}

static void say_request(struct buf *to)
{
	rfb_say_update(to, true, 1, 2, 3, 4);
}

static void say_down(struct buf *to)
{
	rfb_say_key(to, true, 0x61);
}

static void say_up(struct buf *to)
{
	rfb_say_key(to, false, 0x61);
}

static void say_button(struct buf *to)
{
	rfb_say_pointer(to, 1, 10, 20);
}

static void say_text(struct buf *to)
{
	rfb_say_cut_text(to, "secret", 6);
}

static void say_no_text(struct buf *to)
{
	rfb_say_cut_text(to, "", 0);
}

static void say_extended(struct buf *to)
{
	say_extended_clipboard(to, 300);
}

static void say_fence_8(struct buf *to)
{
	say_fence(to, 8);
}

static void say_640(struct buf *to)
{
	rfb_say_size(to, 640, 480);
}

static const struct row {
	const char *name;
	void (*say)(struct buf *to);
	bool in_view, in_control;
} rows[] = {
	{ "SetPixelFormat", say_32, true, true },
	{ "FramebufferUpdateRequest", say_request, true, true },
	{ "EnableContinuousUpdates", say_continuous, true, true },
	{ "ClientFence", say_fence_8, true, true },
	{ "KeyEvent, down", say_down, false, true },
	{ "KeyEvent, up", say_up, false, true },
	{ "PointerEvent", say_button, false, true },
	{ "ClientCutText", say_text, false, true },
	{ "ClientCutText, empty", say_no_text, false, true },
	{ "ClientCutText, extended", say_extended, false, true },
	{ "SetDesktopSize", say_640, false, false },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* ---- feeding ---- */

static struct rfb_filter *greeted(enum rfb_policy policy)
{
	auto_buf struct buf out = { 0 };
	struct err err = { 0 };
	struct rfb_filter *f = rfb_filter_new(policy);
	cr_assert(rfb_filter_feed(f, RFB_HELLO "\1\0", 14, &out, &err), "%s", err.text);
	cr_assert_eq(out.len, 14);
	cr_assert_eq(memcmp(out.data, RFB_HELLO "\1\1", 14), 0, "shared, whatever it wants");
	return f;
}

static bool feed(struct rfb_filter *f, const struct buf *in, struct buf *out)
{
	struct err err = { 0 };
	bool good = rfb_filter_feed(f, in->data, in->len, out, &err);
	cr_assert_eq(good, err.text[0] == '\0');
	return good;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* What comes of one message, cut at cut. */
static void expect(enum rfb_policy policy, const struct buf *in, size_t cut, const struct buf *want,
	const char *name)
{
	auto_buf struct buf out = { 0 };
	struct err err;
	struct rfb_filter *f = greeted(policy);
	cr_assert(rfb_filter_feed(f, in->data, cut, &out, &err), "%s", err.text);
	cr_assert(cut == in->len || out.len == 0, "%s: nothing before it is whole", name);
	cr_assert(rfb_filter_feed(f, in->data + cut, in->len - cut, &out, &err), "%s", err.text);
	cr_expect(same(&out, want), "%s, policy %d, cut at %zu: %zu bytes, not %zu", name, policy,
		cut, out.len, want->len);
	rfb_filter_free(f);
}

static void expect_everywhere(
	enum rfb_policy policy, const struct buf *in, const struct buf *want, const char *name)
{
	for (size_t cut = 0; cut <= in->len; cut++) {
		expect(policy, in, cut, want, name);
	}
}

/* ---- each message ---- */

Test(rfb_filter, each_message_in_each_policy_cut_at_every_byte)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct buf in = { 0 }, nothing = { 0 };
		rows[i].say(&in);
		expect_everywhere(RFB_VIEW, &in, rows[i].in_view ? &in : &nothing, rows[i].name);
		expect_everywhere(
			RFB_CONTROL, &in, rows[i].in_control ? &in : &nothing, rows[i].name);
		buf_done(&in);
	}
}

Test(rfb_filter, only_with_control_it_draws_the_pointer)
{
	struct buf in = { 0 }, view = { 0 }, control = { 0 };
	say_wished(&in);
	SAY_ENCODINGS(&view, in_view);
	say_wished(&control);
	expect_everywhere(RFB_VIEW, &in, &view, "SetEncodings");
	expect_everywhere(RFB_CONTROL, &in, &control, "SetEncodings");
	buf_done(&in);
	buf_done(&view);
	buf_done(&control);
}

Test(rfb_filter, all_of_them_behind_each_other_and_counted)
{
	struct buf in = { 0 }, out = { 0 };
	for (size_t i = 0; i < ROWS; i++) {
		rows[i].say(&in);
	}
	struct rfb_filter *f = greeted(RFB_VIEW);
	cr_assert(feed(f, &in, &out));
	cr_expect_eq(out.len, 20 + 10 + 10 + 17);
	cr_expect_eq(rfb_filter_counts(f)->passed, 4);
	cr_expect_eq(rfb_filter_counts(f)->dropped, ROWS - 4);
	cr_expect_eq(rfb_filter_counts(f)->frames, 2);
	rfb_filter_free(f);
	buf_done(&in);
	buf_done(&out);
}

/* ---- the handshake ---- */

static void refuse_hello(const char *bytes, size_t len)
{
	auto_buf struct buf out = { 0 };
	struct err err = { 0 };
	struct rfb_filter *f = rfb_filter_new(RFB_CONTROL);
	cr_expect_not(rfb_filter_feed(f, bytes, len, &out, &err));
	cr_expect_eq(err.kind, ERR_ARGUMENT);
	cr_expect_leq(out.len, len - 1);
	cr_expect_not(rfb_filter_feed(f, "\4", 1, &out, &err), "it stays refused");
	rfb_filter_free(f);
}

Test(rfb_filter, the_handshake_byte_by_byte)
{
	auto_buf struct buf out = { 0 };
	struct err err;
	struct rfb_filter *f = rfb_filter_new(RFB_VIEW);
	for (size_t i = 0; i < 14; i++) {
		cr_assert(rfb_filter_feed(f, RFB_HELLO "\1\0" + i, 1, &out, &err));
		cr_expect_eq(out.len, i < 11 ? 0 : i + 1);
	}
	rfb_filter_free(f);
}

Test(rfb_filter, other_handshakes_are_refused)
{
	refuse_hello("RFB 003.003\n", 12);
	refuse_hello("RFB 003.889\n", 12);
	refuse_hello("GET / HTTP/1.1\r\n", 16);
	refuse_hello(RFB_HELLO "\2", 13);
	refuse_hello(RFB_HELLO "\0", 13);
	refuse_hello(RFB_HELLO "\x13", 13);
}

/* ---- what is refused ---- */

static void refuse(const struct buf *in, const char *words)
{
	for (int policy = RFB_VIEW; policy <= RFB_CONTROL; policy++) {
		auto_buf struct buf out = { 0 };
		struct err err = { 0 };
		struct rfb_filter *f = greeted((enum rfb_policy)policy);
		cr_expect_not(rfb_filter_feed(f, in->data, in->len, &out, &err));
		cr_expect(strstr(err.text, words), "'%s' is not in: %s", words, err.text);
		cr_expect_eq(out.len, 0);
		rfb_filter_set_policy(f, RFB_CONTROL, &out);
		cr_expect_eq(out.len, 0);
		rfb_filter_free(f);
	}
}

Test(rfb_filter, unknown_messages_are_refused)
{
	static const uint8_t known[] = { 0, 2, 3, 4, 5, 6, 150, 248, 251 };
	for (unsigned type = 0; type < 256; type++) {
		struct buf in = { 0 };
		rfb_u8(&in, type);
		if (!memchr(known, (int)type, sizeof(known))) {
			refuse(&in, "unknown type");
		}
		buf_done(&in);
	}
}

static void put_bytes(struct buf *to, const void *bytes, size_t len)
{
	buf_done(to);
	buf_append(to, bytes, len);
}

Test(rfb_filter, what_is_out_of_bounds_is_refused)
{
	struct buf in = { 0 };
	put_bytes(&in, "\2\0\2\1", 4);
	refuse(&in, "a list of encodings may have at most 512, not 513");
	put_bytes(&in, "\6\0\0\0\1\0\0\1", 8);
	refuse(&in, "bytes of a clipboard may have at most 16777216, not 16777217");
	put_bytes(&in, "\6\0\0\0\200\0\0\0", 8);
	refuse(&in, "not 2147483648");
	put_bytes(&in, "\370\0\0\0\0\0\0\0\101", 9);
	refuse(&in, "bytes of a fence may have at most 64, not 65");
	buf_done(&in);
	say_format(&in, 24);
	refuse(&in, "8, 16 or 32 bits");
	buf_done(&in);
}

Test(rfb_filter, the_largest_that_may_be)
{
	static int32_t many[RFB_ENCODINGS_MAX];
	static char text[RFB_CUT_TEXT_KEEP + 1];
	struct buf in = { 0 }, out = { 0 };
	memset(text, 'x', sizeof(text));
	struct rfb_filter *f = greeted(RFB_CONTROL);
	rfb_say_encodings(&in, many, RFB_ENCODINGS_MAX);
	say_fence(&in, RFB_FENCE_MAX);
	rfb_say_cut_text(&in, text, RFB_CUT_TEXT_KEEP);
	cr_assert(feed(f, &in, &out));
	cr_expect(same(&in, &out));
	out.len = in.len = 0;
	rfb_say_cut_text(&in, text, RFB_CUT_TEXT_KEEP + 1);
	say_request(&in);
	cr_assert(feed(f, &in, &out));
	cr_expect_eq(out.len, 10, "a longer text is dropped, what follows it is not");
	rfb_filter_free(f);
	buf_done(&in);
	buf_done(&out);
}

/* ---- changes of policy ---- */

static void change(struct rfb_filter *f, enum rfb_policy to, const struct buf *want)
{
	auto_buf struct buf out = { 0 };
	rfb_filter_set_policy(f, to, &out);
	cr_expect_eq(rfb_filter_policy(f), to);
	cr_expect(same(&out, want), "%zu bytes, not %zu", out.len, want->len);
}

Test(rfb_filter, a_change_says_the_encodings_again)
{
	struct buf in = { 0 }, out = { 0 }, view = { 0 }, control = { 0 }, nothing = { 0 };
	struct rfb_filter *f = greeted(RFB_VIEW);
	change(f, RFB_CONTROL, &nothing);
	change(f, RFB_VIEW, &nothing);
	say_wished(&in);
	SAY_ENCODINGS(&view, in_view);
	say_wished(&control);
	cr_assert(feed(f, &in, &out));
	change(f, RFB_VIEW, &nothing);
	change(f, RFB_CONTROL, &control);
	change(f, RFB_VIEW, &view);
	rfb_filter_free(f);
	buf_done(&in);
	buf_done(&out);
	buf_done(&view);
	buf_done(&control);
}

Test(rfb_filter, who_loses_control_lets_go)
{
	struct buf in = { 0 }, out = { 0 }, want = { 0 };
	struct rfb_filter *f = greeted(RFB_CONTROL);
	rfb_say_key(&in, true, 0xffe1);
	rfb_say_key(&in, true, 0x61);
	rfb_say_key(&in, true, 0x61); /* it repeats */
	rfb_say_key(&in, true, 0x62);
	rfb_say_key(&in, false, 0x62);
	rfb_say_key(&in, true, 0x63);
	rfb_say_pointer(&in, 5, 100, 200);
	rfb_say_pointer(&in, 1, 101, 201);
	cr_assert(feed(f, &in, &out));
	rfb_say_key(&want, false, 0x63);
	rfb_say_key(&want, false, 0x61);
	rfb_say_key(&want, false, 0xffe1);
	rfb_say_pointer(&want, 0, 101, 201);
	change(f, RFB_VIEW, &want);
	want.len = out.len = 0;
	change(f, RFB_CONTROL, &want);
	rfb_filter_release(f, &out);
	cr_expect_eq(out.len, 0, "once");
	rfb_filter_free(f);
	buf_done(&in);
	buf_done(&out);
	buf_done(&want);
}

/* Begun in one policy and ended in the other: dropped, whichever way, and never half of it. */
Test(rfb_filter, a_message_across_a_change_is_dropped)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct buf in = { 0 };
		rows[i].say(&in);
		size_t message = in.len;
		say_request(&in);
		for (size_t cut = 1; cut < message && !rows[i].in_view; cut++) {
			for (int from = RFB_VIEW; from <= RFB_CONTROL; from++) {
				struct buf out = { 0 };
				struct err err;
				struct rfb_filter *f = greeted((enum rfb_policy)from);
				cr_assert(rfb_filter_feed(f, in.data, cut, &out, &err));
				rfb_filter_set_policy(f, (enum rfb_policy) !from, &out);
				cr_assert(rfb_filter_feed(
					f, in.data + cut, in.len - cut, &out, &err));
				/* Before its length is known it belongs to the policy it ends in.
				 */
				bool passes = out.len == in.len && from == RFB_VIEW &&
					      rows[i].in_control && cut < 12;
				cr_expect(out.len == 10 || passes, "%s cut at %zu: %zu bytes",
					rows[i].name, cut, out.len);
				rfb_filter_free(f);
				buf_done(&out);
			}
		}
		buf_done(&in);
	}
}

Test(rfb_filter, more_keys_than_fit_are_dropped_and_all_are_let_go)
{
	struct buf in = { 0 }, out = { 0 };
	struct rfb_check checker = { .greeted = 14 };
	struct rfb_filter *f = greeted(RFB_CONTROL);
	for (uint32_t i = 0; i < RFB_KEYS_MAX + 8; i++) {
		rfb_say_key(&in, true, i);
	}
	cr_assert(feed(f, &in, &out));
	cr_expect_null(rfb_check_output(&checker, out.data, out.len, false, false));
	cr_expect_eq(checker.n_down, RFB_KEYS_MAX);
	cr_expect_eq(rfb_filter_counts(f)->dropped, 8);
	out.len = 0;
	rfb_filter_release(f, &out);
	cr_expect_null(rfb_check_output(&checker, out.data, out.len, true, true));
	rfb_filter_free(f);
	buf_done(&in);
	buf_done(&out);
}

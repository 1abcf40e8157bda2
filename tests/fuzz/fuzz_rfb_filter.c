// USES transport
/*
 * A hostile viewer.  The first byte says with which policy it begins and whether its handshake is
 * made for it, the second after how many bytes the policy changes, over and over.  Whatever comes,
 * what goes on is whole messages, in view none of them is input, nothing stays held down, and the
 * pieces it came in make no difference.
 */
#include "base/cleanup.h"
#include "tests/support/rfb_check.h"
#include "transport/rfb/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

struct run {
	struct rfb_filter *filter;
	struct rfb_check checker;
	struct buf all;
	bool good;
};

static void look(struct run *run, struct buf *out, bool changing)
{
	bool view = rfb_filter_policy(run->filter) == RFB_VIEW;
	check(!rfb_check_output(&run->checker, out->data, out->len, view, changing));
	buf_append(&run->all, out->data, out->len);
	buf_done(out);
}

static void feed(struct run *run, const uint8_t *bytes, size_t len, size_t piece)
{
	while (len > 0) {
		size_t n = len < piece ? len : piece;
		struct buf out = { 0 };
		struct err err = { 0 };
		bool good = rfb_filter_feed(run->filter, bytes, n, &out, &err);
		check(good == (err.text[0] == '\0') && (run->good || !good));
		check(run->good || out.len == 0);
		run->good = good;
		look(run, &out, false);
		bytes += n;
		len -= n;
	}
}

static void change(struct run *run)
{
	struct buf out = { 0 };
	bool view = rfb_filter_policy(run->filter) == RFB_VIEW;
	if (run->good) {
		rfb_filter_set_policy(run->filter, view ? RFB_CONTROL : RFB_VIEW, &out);
		look(run, &out, true);
	}
}

static void play(struct run *run, const uint8_t *bytes, size_t len, size_t piece)
{
	size_t every = bytes[1];
	run->filter = rfb_filter_new(bytes[0] & 1 ? RFB_CONTROL : RFB_VIEW);
	run->good = true;
	if (bytes[0] & 2) {
		feed(run, (const uint8_t *)"RFB 003.008\n\1\0", 14, piece);
	}
	bytes += 2;
	len -= 2;
	while (len > 0) {
		size_t n = every && every < len ? every : len;
		feed(run, bytes, n, piece);
		bytes += n;
		len -= n;
		if (every) {
			change(run);
		}
	}
}

static void done(struct run *run)
{
	struct buf out = { 0 };
	rfb_filter_release(run->filter, &out);
	look(run, &out, true);
	check(run->checker.n_down == 0 && run->checker.buttons == 0);
	rfb_filter_free(run->filter);
	buf_done(&run->all);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct run whole = { 0 }, pieces = { 0 };
	if (len < 2) {
		return 0;
	}
	play(&whole, bytes, len, len);
	play(&pieces, bytes, len, 1);
	check(whole.good == pieces.good && whole.all.len == pieces.all.len);
	check(whole.all.len == 0 || memcmp(whole.all.data, pieces.all.data, whole.all.len) == 0);
	done(&whole);
	done(&pieces);
	return 0;
}

// USES agent
/* The clipboard is read from its owner on request, and set. */
#include "clipboard_programs.h"

TestSuite(clipboard_read, .init = start, .fini = stop, .timeout = 120);

struct reading {
	bool done;
	int times;
	struct clip_content content;
	struct buf bytes;
	struct err err;
};

static void on_read(const struct clip_content *content, const struct err *err, void *data)
{
	struct reading *r = data;
	r->done = true;
	r->times++;
	r->err = err ? *err : (struct err){ 0 };
	if (content) {
		r->content = *content;
	}
	if (content && content->len) {
		buf_append(&r->bytes, content->bytes, content->len);
	}
}

static const struct clipboard_wish any = { 2, { CLIPBOARD_TEXT, CLIPBOARD_PNG } };
static const struct clipboard_wish png_first = { 2, { CLIPBOARD_PNG, CLIPBOARD_TEXT } };
static const struct clipboard_wish png = { 1, { CLIPBOARD_PNG } };

static struct clip_read *begin_reading(struct reading *r, const struct clipboard_wish *wish)
{
	struct err err;
	*r = (struct reading){ 0 };
	struct clip_read *read = clip_read_new(clipboard_reads(keeper), wish, on_read, r, &err);
	cr_assert(read, "%s", err.text);
	cr_assert(!r->done, "from the loop");
	return read;
}

static struct reading reading_of(const struct clipboard_wish *wish)
{
	struct reading r;
	begin_reading(&r, wish);
	agent_fixture_until(&fixture, r.done);
	return r;
}

static void expect_text(const struct clipboard_wish *wish, const char *want)
{
	struct reading r = reading_of(wish);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.content.type, CLIPBOARD_TEXT);
	cr_assert_eq(r.content.absent, -1);
	cr_assert_str_eq(buf_text(&r.bytes), want);
	buf_done(&r.bytes);
}

static void expect_absent(const struct clipboard_wish *wish, enum clipboard_absence why)
{
	struct reading r = reading_of(wish);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.content.type, -1);
	cr_assert_eq(r.content.absent, (int)why);
	cr_assert_eq(r.bytes.len, 0);
}

#define PNG "\x89PNG\r\n\x1a\n"

Test(clipboard_read, is_read_from_its_owner)
{
	static const struct format both[] = { { "UTF8_STRING", "copied \xc3\xa9" },
		{ "image/png", PNG "pixels" }, { 0 } };
	expect_absent(&any, CLIPBOARD_EMPTY);
	own(&program, "CLIPBOARD", both);
	expect_text(&any, "copied \xc3\xa9");
	struct reading r = reading_of(&png_first);
	cr_assert_eq(r.content.type, CLIPBOARD_PNG);
	cr_assert_str_eq(buf_text(&r.bytes), PNG "pixels");
	buf_done(&r.bytes);
	agent_fixture_for_ms(&fixture, 300);
	expect_text(&any, "copied \xc3\xa9"); /* long after the copy, too */
	die_and_wait_for_the_keeper();
	expect_text(&any, "copied \xc3\xa9");
	expect_absent(&png, CLIPBOARD_OTHER);
}

Test(clipboard_read, is_read_as_good_text)
{
	static const struct format bad[] = { { "UTF8_STRING", "a\xff\xc3z\0\0", 6 }, { 0 } };
	static const struct format old[] = { { "text/plain", "caf\xe9" }, { 0 } };
	static const struct format empty[] = { { "UTF8_STRING", "\0", 1 }, { 0 } };
	own(&program, "CLIPBOARD", bad);
	expect_text(&any, "a\xef\xbf\xbd\xef\xbf\xbdz");
	own(&program, "CLIPBOARD", old);
	expect_text(&any, "caf\xc3\xa9");
	own(&program, "CLIPBOARD", empty);
	expect_text(&any, "");
	peer_die(&program);
}

Test(clipboard_read, passwords_are_not_read)
{
	static const struct format password[] = { { "UTF8_STRING", "hunter2" },
		{ "x-kde-passwordManagerHint", "secret" }, { 0 } };
	static const struct format doubtful[] = { { "UTF8_STRING", "hunter2" },
		{ "x-kde-passwordManagerHint", "secret", 6, true }, { 0 } };
	own(&program, "CLIPBOARD", password);
	expect_absent(&any, CLIPBOARD_SECRET);
	own(&program, "CLIPBOARD", doubtful);
	expect_absent(&any, CLIPBOARD_SECRET);
	peer_die(&program);
}

Test(clipboard_read, what_is_not_what_it_is_called_is_not_read)
{
	static const struct format fake[] = { { "image/png", "GIF89a" }, { 0 } };
	static const struct format foreign[] = { { "application/x-own", "its own" }, { 0 } };
	own(&program, "CLIPBOARD", fake);
	expect_absent(&any, CLIPBOARD_OTHER);
	own(&program, "CLIPBOARD", foreign);
	expect_absent(&any, CLIPBOARD_OTHER);
	program.wrong_types = true;
	own(&program, "CLIPBOARD", text);
	expect_absent(&any, CLIPBOARD_OTHER);
	peer_die(&program);
}

/* What the keeper takes by itself has gone: this program sends one thing at a time. */
static void own_large(const struct format *formats, size_t least)
{
	program.asked = 0;
	program.sent = 0;
	own(&program, "CLIPBOARD", formats);
	agent_fixture_until(&fixture, program.asked == 2 && program.sent >= least);
	agent_fixture_for_ms(&fixture, 50);
}

static void expect_too_large(const struct format *formats, size_t least)
{
	own_large(formats, least);
	struct reading r = reading_of(&any);
	cr_assert_eq(r.err.kind, ERR_LIMIT, "%s", r.err.text);
}

Test(clipboard_read, too_large_is_said)
{
	static char part[200000];
	size_t len = clipboard_type_max(CLIPBOARD_TEXT) + 1;
	char *large = must(malloc(len + 1));
	memset(large, 'x', len);
	large[len] = '\0';
	memset(part, 'x', sizeof(part));
	const struct format endless[] = { { "UTF8_STRING", part, sizeof(part), true, true },
		{ 0 } };
	const struct format longer[] = { { "UTF8_STRING", large, len, true }, { 0 } };
	const struct format longest[] = { { "UTF8_STRING", large, len - 1, true }, { 0 } };
	expect_too_large(endless, CLIP_ITEM_MAX);
	expect_too_large(longer, len);
	own_large(longest, len - 1);
	struct reading r = reading_of(&any);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.bytes.len, len - 1);
	buf_done(&r.bytes);
	peer_die(&program);
	free(large);
}

/* Each read is answered, and so many at once are enough. */
Test(clipboard_read, an_owner_that_never_answers_is_not_waited_for)
{
	struct reading reads[CLIP_READS_MAX], cancelled;
	struct err err;
	own(&program, "CLIPBOARD", NULL);
	clip_read_free(begin_reading(&cancelled, &any));
	for (int i = 0; i < CLIP_READS_MAX; i++) {
		begin_reading(&reads[i], &any);
	}
	cr_assert_null(clip_read_new(clipboard_reads(keeper), &any, on_read, &cancelled, &err));
	cr_assert_eq(err.kind, ERR_LIMIT);
	for (int i = 0; i < CLIP_READS_MAX; i++) {
		agent_fixture_until(&fixture, reads[i].done);
		cr_expect_eq(reads[i].err.kind, ERR_TIMEOUT, "%s", reads[i].err.text);
		cr_expect_eq(reads[i].times, 1);
	}
	cr_expect(!cancelled.done);
	peer_die(&program);
}

/* The new owner's content is what there is. */
Test(clipboard_read, an_owner_may_change_while_it_is_read)
{
	struct reading r;
	own(&program, "CLIPBOARD", NULL);
	begin_reading(&r, &any);
	agent_fixture_until(&fixture, program.asked > 0);
	own(&other, "CLIPBOARD", text);
	agent_fixture_until(&fixture, r.done);
	cr_expect_eq(r.content.type, CLIPBOARD_TEXT);
	cr_expect_str_eq(buf_text(&r.bytes), "copied \xc3\xa9");
	buf_done(&r.bytes);
	peer_die(&program);
}

static void set(int type, const char *bytes)
{
	struct err err;
	const struct clip_copy copied = { type, bytes, strlen(bytes), NULL };
	cr_assert(clipboard_set(keeper, &copied, &err), "%s", err.text);
}

Test(clipboard_read, what_is_set_can_be_pasted_and_read_until_the_next_copy)
{
	own(&program, "CLIPBOARD", text);
	set(CLIPBOARD_TEXT, "first");
	set(CLIPBOARD_TEXT, "caf\xc3\xa9");
	expect_paste(&other, "UTF8_STRING", "caf\xc3\xa9");
	expect_paste(&other, "text/plain;charset=utf-8", "caf\xc3\xa9");
	expect_paste(&other, "STRING", "caf\xe9");
	cr_expect_eq(program.cleared, 1);
	peer_die(&program); /* it is not its any more */
	agent_fixture_for_ms(&fixture, 200);
	expect_text(&any, "caf\xc3\xa9");
	expect_absent(&png, CLIPBOARD_OTHER);
	set(CLIPBOARD_PNG, PNG "pixels");
	expect_paste(&other, "image/png", PNG "pixels");
	ask(&other, "CLIPBOARD", "UTF8_STRING");
	cr_expect(other.refused);
	set(CLIPBOARD_TEXT, "\xe6\xbc\xa2");
	ask(&other, "CLIPBOARD", "STRING");
	cr_expect(other.refused, "it is not of Latin-1");
	peer_open(&program);
	copy(text, 3);
	expect_text(&any, "copied \xc3\xa9");
	peer_die(&program);
}

/* Whoever was last is it, and the keeper never shows the other's as its own. */
Test(clipboard_read, sets_and_copies_may_cross)
{
	for (int i = 0; i < 20; i++) {
		own(&program, "CLIPBOARD", text);
		set(CLIPBOARD_TEXT, "set");
		if (i % 2) {
			own(&program, "CLIPBOARD", text);
		}
		expect_text(&any, i % 2 ? "copied \xc3\xa9" : "set");
	}
	peer_die(&program);
}

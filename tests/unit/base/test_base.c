// USES base
/* The small parts: errors, bytes, identifiers, near names, the log's escaping. */
#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"
#include "base/nearest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

Test(err, set_while_errno)
{
	struct err err;
	cr_assert_not(err_set(&err, ERR_LIMIT, "at most %d", 3));
	cr_assert_not(err_while(&err, "starting '%s'", "x"));
	cr_assert_eq(err.kind, ERR_LIMIT);
	cr_assert_eq(err.sys, 0);
	cr_assert_str_eq(err.text, "starting 'x': at most 3");
	errno = ENOENT;
	err_errno(&err, "cannot open '%s'", "f");
	err_while(&err, "first");
	cr_assert_eq(err.kind, ERR_HOST);
	cr_assert_eq(err.sys, ENOENT);
	cr_assert_str_eq(err.text, "first: cannot open 'f': No such file or directory");
}

Test(err, text_is_always_utf8)
{
	struct err err;
	err_set(&err, ERR_HOST, "%s",
		"a\xff"
		"b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	cr_assert_str_eq(err.text, "a?b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	err_set(&err, ERR_HOST, "%s", "\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80|\xc3");
	cr_assert_str_eq(err.text, "??|???|????|?");
	char longer[1000];
	for (size_t i = 0; i < sizeof(longer) - 1; i += 3) {
		memcpy(longer + i, "\xe2\x82\xac", 3);
	}
	longer[999] = '\0';
	err_set(&err, ERR_HOST, "%s", longer);
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
	cr_assert_str_eq(
		err.text + sizeof(err.text) - 6, "\xe2\x82\xac??", "cut inside a character");
}

Test(err, kinds_have_words)
{
	for (int kind = ERR_ARGUMENT; kind <= ERR_HOST; kind++) {
		cr_assert_eq(
			err_kind_from(err_kind_word((enum err_kind)kind)), (enum err_kind)kind);
	}
	cr_assert_eq(err_kind_from("nonsense"), ERR_HOST);
	cr_assert_eq(err_kind_from("none"), ERR_HOST, "an error is never none");
	cr_assert_eq(err_kind_from(NULL), ERR_HOST);
	cr_assert_str_eq(err_kind_word((enum err_kind)99), "host");
}

Test(buf, grows_prints_and_consumes)
{
	auto_buf struct buf buf = { 0 };
	cr_assert_str_eq(buf_text(&buf), "");
	for (int i = 0; i < 1000; i++) {
		buf_printf(&buf, "%03d,", i);
	}
	cr_assert_eq(buf.len, 4000);
	cr_assert_eq(buf.data[buf.len], '\0');
	buf_consume(&buf, 3996);
	cr_assert_str_eq(buf_text(&buf), "999,");
	buf_append(&buf, "a\0b", 3);
	cr_assert_eq(buf.len, 7);
	cr_assert_eq(memcmp(buf.data, "999,a\0b", 8), 0);
	buf_consume(&buf, 7);
	cr_assert_str_eq(buf_text(&buf), "");
	buf_append(&buf, NULL, 0);
	buf_reserve(&buf, 100000);
	cr_assert_geq(buf.cap, 100001);
	buf_done(&buf);
	cr_assert_null(buf.data);
}

Test(id, unlike_each_other_and_valid)
{
	char a[ID_LEN + 1], b[ID_LEN + 1];
	int seen[256] = { 0 }, kinds = 0;
	for (int i = 0; i < 500; i++) {
		id_make(a);
		id_make(b);
		cr_assert_str_neq(a, b);
		cr_assert(id_is_valid(a));
		for (const char *c = a; *c; c++) {
			kinds += !seen[(unsigned char)*c]++;
		}
	}
	cr_assert_eq(kinds, 36, "every letter and digit turns up");
	cr_assert_not(id_is_valid(NULL));
	cr_assert_not(id_is_valid(""));
	cr_assert_not(id_is_valid("abcdefghij012345678"));
	cr_assert_not(id_is_valid("abcdefghij01234567890"));
	cr_assert_not(id_is_valid("Abcdefghij0123456789"));
	cr_assert_not(id_is_valid("../defghij0123456789"));
}

Test(nearest, slips)
{
	static const char *const names[] = { "color", "coordinate", "text", "scroll_amount", "x",
		NULL };
	cr_assert_str_eq(nearest_name("colour", names), "color");
	cr_assert_str_eq(nearest_name("COLOR", names), "color");
	cr_assert_str_eq(nearest_name("coord", names), "coordinate", "a beginning");
	cr_assert_str_eq(nearest_name("scrollAmount", names), "scroll_amount");
	cr_assert_str_eq(nearest_name("tex", names), "text");
	cr_assert_str_eq(nearest_name("cmd", (const char *[]){ "cwd", "command", NULL }), "command",
		"letters left out");
	const char *const tools[] = { "snapshot_delete", "sandbox_pause", "shell", "screenshot",
		"sandbox_resume", NULL };
	cr_assert_str_eq(
		nearest_name("shel", tools), "shell", "a beginning before an abbreviation");
	cr_assert_str_eq(
		nearest_name("shl", tools), "shell", "the abbreviation that leaves out least");
	cr_assert_str_eq(nearest_name("shelll", tools), "shell");
	cr_assert_str_eq(nearest_name("ctlr", (const char *[]){ "Control_R", "ctrl", NULL }),
		"ctrl", "swapped letters before an abbreviation");
	cr_assert_str_eq(nearest_name("sandbox", tools), "sandbox_pause", "the shorter of two");
	cr_assert_null(nearest_name("button", names));
	cr_assert_null(nearest_name("foo", (const char *[]){ "F1", NULL }), "two of three letters");
	cr_assert_null(nearest_name("y", names), "one letter for another is no slip");
	cr_assert_null(nearest_name("", names));
	char longer[200];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[199] = '\0';
	cr_assert_null(nearest_name(longer, names));
}

/* Runs log_warning with stderr in a pipe and returns what came out. */
static const char *logged(const char *text)
{
	static char got[5000];
	int ends[2], saved = dup(STDERR_FILENO);
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	log_warning("%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], got, sizeof(got) - 1);
	close(ends[0]);
	got[n > 0 ? n : 0] = '\0';
	return got;
}

Test(log, one_escaped_line)
{
	cr_assert_str_eq(logged("a\nb\x1b[31m\tc\xc3\xa9"),
		"vitrine: warning: a\\x0ab\\x1b[31m\\x09c\xc3\xa9\n");
	char longer[10000];
	memset(longer, '\n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	const char *line = logged(longer);
	cr_assert_lt(strlen(line), 2100);
	cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1);
	log_set_level(LOG_LEVEL_ERROR);
	cr_assert_str_eq(logged("quiet"), "");
	log_set_level(LOG_LEVEL_WARNING);
}

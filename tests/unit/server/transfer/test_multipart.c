// USES server
/* Forms in pieces of any size, for a reader that stops anywhere. */
#include "server/transfer/disposition.h"
#include "server/transfer/multipart.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>

struct reader {
	struct buf seen; /* "[name|filename]bytes;" for each part */
	size_t most;     /* bytes taken by one call */
	unsigned calls;
	bool stops; /* at each end, and at each other call */
};

static bool begin(const char *name, const char *filename, void *data, struct err *err)
{
	struct reader *r = data;
	if (strcmp(name, "refused") == 0) {
		return err_set(err, ERR_ARGUMENT, "not wanted");
	}
	buf_printf(&r->seen, "[%s|%s]", name, filename ? filename : "-");
	return true;
}

static size_t bytes(const void *bytes, size_t len, void *data)
{
	struct reader *r = data;
	if (r->stops && r->calls++ % 2) {
		return 0;
	}
	size_t n = len < r->most ? len : r->most;
	buf_append(&r->seen, bytes, n);
	return n;
}

static bool end(void *data)
{
	struct reader *r = data;
	buf_append(&r->seen, ";", 1);
	return !r->stops;
}

static const struct multipart_handlers handlers = { begin, bytes, end };

#define TYPE "multipart/form-data; boundary=XX"

/* Gives the form in pieces; returns whether it was complete. */
static bool parse(struct reader *r, const char *type, const char *form, size_t len, size_t piece,
	struct err *err)
{
	struct multipart m;
	cr_assert(multipart_init(&m, type, &handlers, r, err), "%s", err->text);
	err->kind = ERR_NONE;
	for (size_t at = 0; at < len && err->kind == ERR_NONE;) {
		size_t n = len - at < piece ? len - at : piece;
		at += multipart_add(&m, form + at, n, err);
	}
	bool complete = multipart_is_complete(&m);
	multipart_done(&m);
	return complete;
}

static void expect(const char *form, size_t len, const char *want)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 64, 10000 };
	for (size_t i = 0; i < 4 * sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct reader r = { .most = i % 2 ? 1 : SIZE_MAX, .stops = i / 2 % 2 };
		struct err err;
		cr_expect(parse(&r, TYPE, form, len, pieces[i / 4], &err), "%s", err.text);
		cr_expect_str_eq(buf_text(&r.seen), want, "%zu", i);
		buf_done(&r.seen);
	}
}

#define PART(head) "--XX\r\nContent-Disposition: form-data; " head "\r\n\r\n"

Test(multipart, parts)
{
	static const struct {
		const char *form, *want;
	} rows[] = {
		{ PART("name=a") "1\r\n--XX--\r\n", "[a|-]1;" },
		{ PART("name=a") "\r\n--XX--", "[a|-];" },
		{ "before\r\n" PART("name=\"file\"; filename=\"b.txt\"") "2\r\n" PART(
			  "name=c; filename=\"\"") "3\r\n--XX--\r\nbehind --XX",
			"[file|b.txt]2;[c|]3;" },
		{ PART("name=a") "\r\n-\r\n--X\r\n\r\n--XY\r--XX\n--XX\r\r\n--XX--",
			"[a|-]\r\n-\r\n--X\r\n\r\n--XY\r--XX\n--XX\r;" },
		{ "\r\n--XX \t\r\nX-Other: 1\r\ncontent-disposition:form-data;name=a\r\n"
		  "Content-Type: text/plain\r\n\r\n4\r\n--XX--",
			"[a|-]4;" },
		{ "--XX--", "" },
		{ NULL, NULL },
	};
	for (size_t i = 0; rows[i].want; i++) {
		expect(rows[i].form, strlen(rows[i].form), rows[i].want);
	}
}

Test(multipart, not_complete_until_the_last_boundary)
{
	static const char form[] = PART("name=a") "1\r\n--XX--";
	for (size_t len = 0; len < sizeof(form); len++) {
		struct reader r = { .most = SIZE_MAX };
		struct err err;
		cr_expect_eq(parse(&r, TYPE, form, len, 1000, &err), len == sizeof(form) - 1);
		cr_expect_eq(err.kind, ERR_NONE);
		buf_done(&r.seen);
	}
}

Test(multipart, refused)
{
	static const char *const forms[] = {
		"--XX\r\n\r\nx\r\n--XX--",
		"--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XX--",
		"--XX and more\r\n",
		PART("filename=x") "x",
		PART("name=\"open") "x",
		PART("name=a b") "x",
		"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx",
		PART("name=refused") "x",
		PART("name=a; filename=\"\xff\"") "x",
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct reader r = { .most = SIZE_MAX };
		struct err err;
		cr_expect_not(parse(&r, TYPE, forms[i], strlen(forms[i]), 1000, &err));
		cr_expect_eq(err.kind, ERR_ARGUMENT, "%zu", i);
		buf_done(&r.seen);
	}
}

Test(multipart, a_head_is_bounded)
{
	auto_buf struct buf form = { 0 };
	struct reader r = { .most = SIZE_MAX };
	struct err err;
	buf_printf(&form, "--XX\r\n");
	for (int i = 0; i < 3000; i++) {
		buf_printf(&form, "X-A: 12345678\r\n");
	}
	cr_expect_not(parse(&r, TYPE, buf_text(&form), form.len, 100, &err));
	cr_expect_eq(err.kind, ERR_ARGUMENT);
	form.len = 0;
	buf_printf(&form, "--XX");
	for (int i = 0; i < 300; i++) {
		buf_printf(&form, " ");
	}
	cr_expect_not(parse(&r, TYPE, buf_text(&form), form.len, 100, &err));
	cr_expect_eq(err.kind, ERR_ARGUMENT);
}

Test(multipart, boundaries)
{
	static const struct {
		const char *type;
		bool good;
	} rows[] = {
		{ "multipart/form-data; boundary=\"XX\"", true },
		{ "multipart/form-data; charset=utf-8; BOUNDARY=XX", true },
		{ "multipart/form-data;boundary=XX ; x=y", true },
		{ "multipart/form-data", false },
		{ "multipart/form-data; boundary=", false },
		{ "multipart/form-data; boundary=\"\"", false },
		{ "multipart/form-data; boundary=\"X\r\n\"", false },
		{ "multipart/form-data; boundary="
		  "12345678901234567890123456789012345678901234567890123456789012345678901",
			false },
	};
	static const char form[] = PART("name=a") "1\r\n--XX--";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct multipart m;
		struct reader r = { .most = SIZE_MAX };
		struct err err;
		bool good = multipart_init(&m, rows[i].type, &handlers, &r, &err);
		cr_expect_eq(good, rows[i].good, "%s", rows[i].type);
		if (good) {
			multipart_done(&m);
			cr_expect(parse(&r, rows[i].type, form, sizeof(form) - 1, 9, &err));
		}
		buf_done(&r.seen);
	}
}

Test(multipart, names_of_files)
{
	static const struct {
		const char *head, *filename; /* NULL: none */
	} rows[] = {
		{ "form-data; name=a", NULL },
		{ " form-data; name=a; filename=plain.txt", "plain.txt" },
		{ "form-data; name=a; filename=\"a b;c.txt\" ", "a b;c.txt" },
		{ "form-data; name=a; filename=\"dir/%22x%22%0D%0a%41%zz.txt\"",
			"dir/\"x\"\r\n%41%zz.txt" },
		{ "form-data; name=a; filename=\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d" },
		{ "form-data; name=a; filename=\"h\xc3\xa9\"", "h\xc3\xa9" },
		{ "form-data; name=a; filename=\"x\"; filename*=utf-8''h%C3%A9%00",
			"h\xc3\xa9%00" },
		{ "form-data; name=a; filename*=UTF-8'en'y; filename=x", "y" },
		{ "form-data; name=a; filename*=latin1''y; filename=x", "x" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct disposition d;
		cr_assert(disposition_read(rows[i].head, &d), "%s", rows[i].head);
		if (rows[i].filename) {
			cr_assert_not_null(d.filename);
			cr_expect_str_eq(d.filename, rows[i].filename);
		} else {
			cr_expect_null(d.filename);
		}
		disposition_done(&d);
	}
}

Test(multipart, names_for_responses)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "a b.txt", "inline; filename=\"a b.txt\"" },
		{ "h\xc3\xa9\"\\\r\n.txt",
			"inline; filename=\"h_____.txt\"; filename*=UTF-8''h%C3%A9%22%5C%0D%0A.txt" },
		{ "100%", "inline; filename=\"100_\"; filename*=UTF-8''100%25" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = { 0 };
		disposition_write(&out, rows[i].name);
		cr_expect_str_eq(buf_text(&out), rows[i].want);
	}
}

// USES vm
/* The head, the tail and the text of a command's output. */

#include "vm/guest/exec.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define KEPT (GUEST_OUTPUT_HEAD + GUEST_OUTPUT_TAIL)

static void give(struct output *out, const char *bytes, size_t total, size_t piece)
{
	for (size_t at = 0; at < total; at += piece) {
		output_add(out, bytes + at, total - at < piece ? total - at : piece);
	}
}

static char *pattern(size_t len)
{
	char *bytes = malloc(len + 1);
	for (size_t i = 0; i < len; i++) {
		bytes[i] = (char)('a' + i % 23);
	}
	bytes[len] = '\0';
	return bytes;
}

struct row {
	size_t total, piece;
};

ParameterizedTestParameters(output, keeps_both_ends)
{
	static struct row rows[] = {
		{ 0, 1 },
		{ 1, 1 },
		{ GUEST_OUTPUT_HEAD, 7 },
		{ GUEST_OUTPUT_HEAD + 1, 4096 },
		{ KEPT, 1000 },
		{ KEPT + 1, 1000 },
		{ KEPT + 1, KEPT + 1 },
		{ 100000, 1 },
		{ 100001, 32768 },
		{ 1000003, 65537 },
		{ 1000003, 1000003 },
	};
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, output, keeps_both_ends)
{
	struct output *out = calloc(1, sizeof(*out));
	char *bytes = pattern(row->total), *head, *tail;
	int64_t cut;
	give(out, bytes, row->total, row->piece);
	output_text(out, &head, &tail, &cut);
	cr_assert_eq((size_t)out->total, row->total);
	if (row->total <= KEPT) {
		cr_assert_eq(cut, 0);
		cr_assert_str_eq(head, bytes);
		cr_assert_str_eq(tail, "");
	} else {
		cr_assert_eq((size_t)cut, row->total - KEPT);
		cr_assert_eq(strlen(head), GUEST_OUTPUT_HEAD);
		cr_assert_eq(strncmp(head, bytes, GUEST_OUTPUT_HEAD), 0);
		cr_assert_str_eq(tail, bytes + row->total - GUEST_OUTPUT_TAIL);
	}
	free(bytes);
	free(head);
	free(tail);
	free(out);
}

struct text {
	char bytes[16];
	size_t len;
	char want[40];
};

#define BAD "\xef\xbf\xbd"

ParameterizedTestParameters(output, is_always_text)
{
	static struct text rows[] = {
		{ "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\t", 12,
			"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\t" },
		{ "a\0b", 3, "a" BAD "b" },
		{ "\xff", 1, BAD },
		{ "\xc3", 1, BAD },
		{ "\xc0\x80", 2, BAD BAD },
		{ "\xed\xa0\x80", 3, BAD BAD BAD },
		{ "\xf4\x90\x80\x80", 4, BAD BAD BAD BAD },
		{ "\xe0\x80\x80", 3, BAD BAD BAD },
		{ "\xf0\x80\x80\x80", 4, BAD BAD BAD BAD },
		{ "\xe2\x82x", 3, BAD BAD "x" },
	};
	return cr_make_param_array(struct text, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct text *row, output, is_always_text)
{
	struct output *out = calloc(1, sizeof(*out));
	char *head, *tail;
	int64_t cut;
	output_add(out, row->bytes, row->len);
	output_text(out, &head, &tail, &cut);
	cr_assert_str_eq(head, row->want);
	json_t *json = json_string(head);
	cr_assert_not_null(json);
	json_decref(json);
	free(head);
	free(tail);
	free(out);
}

/* Three-byte characters, at every offset to the cuts. */
Test(output, no_character_is_split)
{
	for (size_t shift = 0; shift < 3; shift++) {
		struct output *out = calloc(1, sizeof(*out));
		char *head, *tail;
		int64_t cut;
		output_add(out, "xyz", shift);
		for (size_t i = 0; i < 20000; i++) {
			output_add(out, "\xe2\x82\xac", 3);
		}
		output_text(out, &head, &tail, &cut);
		cr_assert_null(strstr(head, BAD));
		cr_assert_null(strstr(tail, BAD));
		cr_assert_eq((int64_t)(strlen(head) + strlen(tail)) + cut, out->total);
		free(head);
		free(tail);
		free(out);
	}
}

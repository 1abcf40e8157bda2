// USES server
/* Conditions and ranges of requests for a file. */
#include "server/transfer/selection.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MTIME 1764547200123456789 /* Mon, 01 Dec 2025 00:00:00 GMT and something */

static const struct selection_file file = { .size = 1000, .mtime_ns = MTIME };

static struct selection select_range(const char *range)
{
	return selection_of(&(struct selection_headers){ .range = range }, &file);
}

Test(selection, ranges)
{
	static const struct {
		const char *range;
		enum selection_kind kind;
		int64_t from, length;
	} rows[] = {
		{ "bytes=0-0", SELECTION_PART, 0, 1 },
		{ "bytes=0-999", SELECTION_PART, 0, 1000 },
		{ "bytes=10-5000", SELECTION_PART, 10, 990 },
		{ "Bytes=990-", SELECTION_PART, 990, 10 },
		{ "bytes=-10", SELECTION_PART, 990, 10 },
		{ "bytes=-5000", SELECTION_PART, 0, 1000 },
		{ "bytes=1000-", SELECTION_OUTSIDE },
		{ "bytes=1000-2000", SELECTION_OUTSIDE },
		{ "bytes=999999999999999999-", SELECTION_OUTSIDE },
		{ "bytes=-0", SELECTION_OUTSIDE },
		{ "bytes=9-8", SELECTION_ALL },
		{ "bytes=0-1,5-6", SELECTION_ALL },
		{ "bytes=", SELECTION_ALL },
		{ "bytes=-", SELECTION_ALL },
		{ "bytes=a-b", SELECTION_ALL },
		{ "bytes=1-2x", SELECTION_ALL },
		{ "bytes=99999999999999999999-", SELECTION_ALL },
		{ "lines=0-1", SELECTION_ALL },
		{ "", SELECTION_ALL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct selection s = select_range(rows[i].range);
		cr_expect(s.kind == rows[i].kind && s.from == rows[i].from &&
				  s.length == rows[i].length,
			"%s", rows[i].range);
	}
}

Test(selection, conditions)
{
	char tag[SELECTION_TAG_LEN], list[200], weak[100], date[SELECTION_DATE_LEN];
	selection_tag(&file, tag);
	cr_assert(selection_date(&file, date));
	cr_expect_str_eq(date, "Mon, 01 Dec 2025 00:00:00 GMT");
	snprintf(list, sizeof(list), "\"other\" , %s", tag);
	snprintf(weak, sizeof(weak), "W/%s", tag);
	const char *later = "Mon, 01 Dec 2025 00:00:01 GMT",
		   *before = "Sun, 30 Nov 2025 23:59:59 GMT";
	const struct {
		struct selection_headers headers;
		enum selection_kind kind;
	} rows[] = {
		{ { .if_none_match = tag }, SELECTION_UNCHANGED },
		{ { .if_none_match = list }, SELECTION_UNCHANGED },
		{ { .if_none_match = weak }, SELECTION_UNCHANGED },
		{ { .if_none_match = "*" }, SELECTION_UNCHANGED },
		{ { .if_none_match = "\"other\"" }, SELECTION_ALL },
		{ { .if_none_match = "" }, SELECTION_ALL },
		{ { .if_none_match = "\"other\"", .if_modified_since = date }, SELECTION_ALL },
		{ { .if_modified_since = date }, SELECTION_UNCHANGED },
		{ { .if_modified_since = later }, SELECTION_UNCHANGED },
		{ { .if_modified_since = before }, SELECTION_ALL },
		{ { .if_modified_since = "yesterday" }, SELECTION_ALL },
		{ { .range = "bytes=0-1", .if_range = tag }, SELECTION_PART },
		{ { .range = "bytes=0-1", .if_range = date }, SELECTION_PART },
		{ { .range = "bytes=0-1", .if_range = weak }, SELECTION_ALL },
		{ { .range = "bytes=0-1", .if_range = later }, SELECTION_ALL },
		{ { .range = "bytes=0-1", .if_none_match = tag }, SELECTION_UNCHANGED },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(selection_of(&rows[i].headers, &file).kind, rows[i].kind, "%zu", i);
	}
}

Test(selection, times_before_1970_and_after_9999)
{
	char date[SELECTION_DATE_LEN];
	cr_expect(selection_date(&(struct selection_file){ .mtime_ns = -1 }, date));
	cr_expect_str_eq(date, "Wed, 31 Dec 1969 23:59:59 GMT");
	cr_expect_not(selection_date(&(struct selection_file){ .mtime_ns = INT64_MIN }, date) &&
		      date[0] == '\0');
}

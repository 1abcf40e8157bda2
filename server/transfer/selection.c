/*
 * A range that is malformed, or that selects several parts, is ignored, as RFC 9110 recommends: the
 * client gets the whole file.
 */
#include "server/transfer/selection.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NS INT64_C(1000000000)
#define DIGITS_MAX 18 /* of a position, so that it fits */

void selection_tag(const struct selection_file *file, char ret[SELECTION_TAG_LEN])
{
	snprintf(ret, SELECTION_TAG_LEN, "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)file->mtime_ns,
		(uint64_t)file->size);
}

static int64_t seconds(const struct selection_file *file)
{
	return file->mtime_ns / NS - (file->mtime_ns % NS < 0);
}

bool selection_date(const struct selection_file *file, char ret[SELECTION_DATE_LEN])
{
	struct tm tm;
	time_t at = seconds(file);
	return gmtime_r(&at, &tm) && tm.tm_year >= -900 && tm.tm_year <= 8099 &&
	       strftime(ret, SELECTION_DATE_LEN, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0;
}

/* False: not a date. */
static bool read_date(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end) {
		return false;
	}
	*ret = timegm(&tm);
	return true;
}

/* Whether the list of tags has this one; weak ones count. */
static bool has_tag(const char *list, const char *tag)
{
	while (*list) {
		list += strspn(list, " \t,");
		list += strncmp(list, "W/", 2) == 0 ? 2 : 0;
		size_t len = strcspn(list, ",");
		while (len > 0 && strchr(" \t", list[len - 1])) {
			len--;
		}
		if ((len == 1 && *list == '*') ||
			(len == strlen(tag) && strncmp(list, tag, len) == 0)) {
			return true;
		}
		list += strcspn(list, ",");
	}
	return false;
}

static bool is_unchanged(const struct selection_headers *headers, const struct selection_file *file)
{
	char tag[SELECTION_TAG_LEN];
	int64_t since;
	selection_tag(file, tag);
	if (headers->if_none_match) {
		return has_tag(headers->if_none_match, tag);
	}
	return headers->if_modified_since && read_date(headers->if_modified_since, &since) &&
	       seconds(file) <= since;
}

/* Whether the range is of the file as it is now. */
static bool range_is_valid(
	const struct selection_headers *headers, const struct selection_file *file)
{
	char tag[SELECTION_TAG_LEN];
	int64_t of;
	selection_tag(file, tag);
	return !headers->if_range || strcmp(headers->if_range, tag) == 0 ||
	       (read_date(headers->if_range, &of) && seconds(file) == of);
}

/* Reads digits; -1: none, or too many. */
static int64_t read_position(const char **at)
{
	size_t len = strspn(*at, "0123456789");
	int64_t value = 0;
	if (len == 0 || len > DIGITS_MAX) {
		return -1;
	}
	for (; len > 0; len--) {
		value = value * 10 + *(*at)++ - '0';
	}
	return value;
}

static struct selection from_to(int64_t from, int64_t to, int64_t size)
{
	struct selection s = { SELECTION_OUTSIDE };
	if (from < size) {
		s.kind = SELECTION_PART;
		s.from = from;
		s.length = (to < size ? to + 1 : size) - from;
	}
	return s;
}

/* "bytes=FROM-TO", "bytes=FROM-" or "bytes=-LAST". */
static struct selection range_of(const char *range, int64_t size)
{
	const struct selection all = { SELECTION_ALL };
	if (strncasecmp(range, "bytes=", 6) != 0) {
		return all;
	}
	const char *at = range + 6;
	bool is_suffix = *at == '-';
	at += is_suffix;
	int64_t first = read_position(&at), last = INT64_MAX;
	if (first < 0 || (!is_suffix && *at++ != '-')) {
		return all;
	}
	if (!is_suffix && *at) {
		last = read_position(&at);
	}
	if (*at || last < 0 || (!is_suffix && last < first)) {
		return all;
	}
	if (is_suffix) {
		return from_to(first == 0     ? size
			       : first < size ? size - first
					      : 0,
			INT64_MAX, size);
	}
	return from_to(first, last, size);
}

struct selection selection_of(
	const struct selection_headers *headers, const struct selection_file *file)
{
	struct selection s = { SELECTION_ALL };
	if (is_unchanged(headers, file)) {
		s.kind = SELECTION_UNCHANGED;
	} else if (headers->range && range_is_valid(headers, file)) {
		s = range_of(headers->range, file->size);
	}
	return s;
}

#ifndef SERVER_TRANSFER_SELECTION_H
#define SERVER_TRANSFER_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

/* Which part of a file a request asks for: its conditions and its range (RFC 9110, 13 and 14). */

struct selection_headers { /* NULL: absent */
	const char *if_none_match, *if_modified_since, *range, *if_range;
};

struct selection_file {
	int64_t size, mtime_ns;
};

enum selection_kind {
	SELECTION_ALL,
	SELECTION_PART,
	SELECTION_UNCHANGED, /* 304: the client has it */
	SELECTION_OUTSIDE,   /* 416: the file has no such part */
};

struct selection {
	enum selection_kind kind;
	int64_t from, length; /* of a part; length > 0 */
};

struct selection selection_of(
	const struct selection_headers *headers, const struct selection_file *file);

#define SELECTION_TAG_LEN 40
/* The ETag, with its quotes. */
void selection_tag(const struct selection_file *file, char ret[SELECTION_TAG_LEN]);
#define SELECTION_DATE_LEN 32
/* "Tue, 01 Dec 2026 00:00:00 GMT"; false: the time has no such form. */
bool selection_date(const struct selection_file *file, char ret[SELECTION_DATE_LEN]);

#endif

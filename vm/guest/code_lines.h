#ifndef VM_GUEST_CODE_LINES_H
#define VM_GUEST_CODE_LINES_H

#include "base/buf.h"

/* The lines of a stream that begin with an id of ID_LEN characters and a space.  Others are not
 * stored, and the stream may begin in the middle of one. */
struct code_lines {
	const char *id;
	struct buf line;
	bool skipping; /* the rest of a line of another id */
};

void code_lines_done(struct code_lines *lines); /* frees and empties */
/* Calls take() with each line, without its id, until it returns false.  False: a line is too
 * long. */
bool code_lines_add(struct code_lines *lines, const char *bytes, size_t len,
	bool (*take)(const char *line, size_t len, void *data), void *data,
	struct err *err) NODISCARD;

#endif

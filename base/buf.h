#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A growable byte buffer.  A zeroed struct is an empty one.  Once anything was appended, data[len]
 * is a NUL, so a text can be read as a C string.  Running out of memory aborts: callers bound
 * sizes.
 */
struct buf {
	uint8_t *data;
	size_t len, cap;
};

#define auto_buf __attribute__((cleanup(buf_done)))

void buf_done(struct buf *buf); /* frees and empties */
void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);
/* ensures capacity for `more` bytes at data + len */
void buf_reserve(struct buf *buf, size_t more);
void buf_consume(struct buf *buf, size_t len); /* removes the first len bytes */
const char *buf_text(const struct buf *buf);   /* never NULL; valid until the next change */

#endif

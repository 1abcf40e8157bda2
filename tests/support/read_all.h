#ifndef TESTS_SUPPORT_READ_ALL_H
#define TESTS_SUPPORT_READ_ALL_H

#include "base/buf.h"

#include <unistd.h>

/* Reads fd to its end; what came stands in `into` with a NUL behind it. */
static inline void read_all(int fd, struct buf *into)
{
	ssize_t n;
	do {
		buf_reserve(into, 65536);
		n = read(fd, into->data + into->len, 65536);
		into->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	buf_append(into, "", 1);
	into->len--;
}

#endif

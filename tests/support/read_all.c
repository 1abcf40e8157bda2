#include "tests/support/read_all.h"

void read_all(int fd, struct buf *into)
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

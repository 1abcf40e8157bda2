#ifndef TESTS_SUPPORT_READ_ALL_H
#define TESTS_SUPPORT_READ_ALL_H

#include "base/buf.h"

#include <unistd.h>

/* Reads fd to its end; what came stands in `into` with a NUL behind it. */
void read_all(int fd, struct buf *into);

#endif

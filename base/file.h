#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/* Appends the rest of fd.  More than max bytes are ERR_LIMIT.  what is its name in errors ("the
 * configuration file /etc/x"). */
bool file_read(int fd, size_t max, const char *what, struct buf *out, struct err *err) NODISCARD;

#endif

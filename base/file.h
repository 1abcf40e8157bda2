#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/* Appends all that can be read from fd; more than max bytes are ERR_LIMIT.  what names it in
 * errors ("the configuration file /etc/x"). */
bool file_read(int fd, size_t max, const char *what, struct buf *out, struct err *err) NODISCARD;

#endif

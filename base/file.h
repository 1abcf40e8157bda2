#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

#include <sys/stat.h>
#include <sys/types.h>

/* Appends the rest of fd.  More than max bytes are ERR_LIMIT.  what is its name in errors ("the
 * configuration file /etc/x"). */
bool file_read(int fd, size_t max, const char *what, struct buf *out, struct err *err) NODISCARD;
/* The same for the file at path.  what: NULL for the path. */
bool file_read_path(
	const char *path, size_t max, const char *what, struct buf *out, struct err *err) NODISCARD;

/* Reads the start of a small file, such as one in /proc, as a text of at most size - 1 bytes.  A
 * relative path begins at dir_fd, which may be AT_FDCWD.  Returns the length; -1 sets errno and
 * leaves an empty text. */
ssize_t file_read_text(int dir_fd, const char *path, char *ret_text, size_t size);

/* Whether it is another file, or its contents, mode or times differ. */
bool file_has_changed(const struct stat *before, const struct stat *now);

#endif

#ifndef VM_AGENT_FILES_PATH_H
#define VM_AGENT_FILES_PATH_H

#include "base/buf.h"

#include <limits.h>

/* Paths of requests, and names of files as JSON can hold them (vm/wire/messages_files.h). */

/* The absolute path, without empty and "." components and a slash at its end; to free().  NULL:
 * ERR_ARGUMENT. */
char *path_take(const char *given, struct err *err) NODISCARD;
/* Appends bytes as UTF-8 without NUL, from which path_take() makes the same bytes. */
void path_escape(struct buf *out, const char *bytes, size_t len);
/* The same as a text to free(). */
char *path_shown(const char *path);

/* The directory of an absolute path, to free(), and its last component. */
char *path_parent(const char *path);
const char *path_name(const char *path);
/* Whether `path` is `top`, or below it. */
bool path_is_below(const char *path, const char *top);

#endif

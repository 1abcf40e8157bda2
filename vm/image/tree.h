#ifndef VM_IMAGE_TREE_H
#define VM_IMAGE_TREE_H

#include "base/buf.h"

#include <sys/stat.h>

/* Files of a root file system that is being made.  Its links are followed as if it were "/", so
 * nothing outside it is ever touched.  Paths are relative to it. */

/* An open directory or file; -1 with errno. */
int tree_open(int root, const char *path, int flags, mode_t mode) NODISCARD;
bool tree_has(int root, const char *path);
bool tree_read(int root, const char *path, size_t max, struct buf *out, struct err *err) NODISCARD;
/* Each replaces what is there, but a directory. */
bool tree_write(int root, const char *path, mode_t mode, const void *bytes, size_t len,
	struct err *err) NODISCARD;
bool tree_link(int root, const char *path, const char *target, struct err *err) NODISCARD;
/* With those above it; fine when it is there. */
bool tree_mkdir(int root, const char *path, struct err *err) NODISCARD;
bool tree_own(int root, const char *path, uid_t owner, struct err *err) NODISCARD;
/* What is in a directory goes, the directory stays; fine when there is none. */
bool tree_empty(int root, const char *path, struct err *err) NODISCARD;
void tree_remove(int root, const char *path); /* a file */

#endif

#ifndef VM_IMAGE_ROOT_H
#define VM_IMAGE_ROOT_H

#include "base/buf.h"

#include <sys/stat.h>

/* Files of a root file system under construction.  Its links are resolved as if it were "/", so
 * nothing outside is accessed.  Paths are relative to it. */

/* An open directory or file; -1 with errno. */
int root_open(int root, const char *path, int flags, mode_t mode) NODISCARD;
bool root_has(int root, const char *path);
bool root_read(int root, const char *path, size_t max, struct buf *out, struct err *err) NODISCARD;
/* Each replaces an existing file, but not a directory. */
bool root_write(int root, const char *path, mode_t mode, const void *bytes, size_t len,
	struct err *err) NODISCARD;
bool root_link(int root, const char *path, const char *target, struct err *err) NODISCARD;
/* Including parents; an existing one is not an error. */
bool root_mkdir(int root, const char *path, struct err *err) NODISCARD;
bool root_own(int root, const char *path, uid_t owner, struct err *err) NODISCARD;
/* A directory at the top, replacing any other file of its name. */
bool root_real_dir(int root, const char *name, mode_t mode, struct err *err) NODISCARD;
/* Removes the contents of a directory at any depth and keeps the directory.  No effect if it does
 * not exist or is reached through a link, because that leads to something used otherwise. */
bool root_empty(int root, const char *path, struct err *err) NODISCARD;
void root_remove(int root, const char *path); /* a file */

#endif

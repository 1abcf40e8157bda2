#ifndef VM_AGENT_FILES_OPEN_H
#define VM_AGENT_FILES_OPEN_H

#include "base/err.h"

#include <sys/stat.h>

/*
 * Opening files on behalf of the host.  Nothing here waits for another program: only regular files
 * are opened, others are refused.  The files of this process in /proc, which the kernel shows to no
 * other, are refused, and so are its descriptors (/proc/self/fd, /dev/stdin).
 */

/* flags: as of open(), without O_CREAT; a relative path starts at dir.  shown: in errors.  -1 on
 * failure. */
int open_regular(int dir, const char *path, int flags, const char *shown, struct stat *ret_st,
	struct err *err) NODISCARD;
/* -1 sets errno. */
int open_directory(int dir, const char *name, bool follow) NODISCARD;
/* Whether it is a file system of the kernel (/proc, /sys), whose files are not data. */
bool open_is_pseudo(int fd);
const char *open_type_word(mode_t mode); /* "a directory" */

#endif

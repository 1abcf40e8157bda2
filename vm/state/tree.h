#ifndef VM_STATE_TREE_H
#define VM_STATE_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* Directories as a whole.  Nothing here follows a symbolic link or enters another file system. */

/* Deletes `name` in dir_fd with all below it.  What lies too deep is moved up into dir_fd under a
 * name of its own and goes with the next call.  False with errno when something stays.  *stop,
 * looked at in between, ends it early (ECANCELED). */
bool tree_remove(int dir_fd, const char *name, const volatile bool *stop);
/* fsync() of every file and directory below, and of dir_fd itself.  False with errno. */
bool tree_sync(int dir_fd);
/* What the files below take on disk. */
int64_t tree_bytes(int dir_fd);

/* Opens a directory, not through a link; -1 with errno. */
int tree_open(int dir_fd, const char *name);

#endif

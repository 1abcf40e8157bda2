#ifndef VM_STATE_TREE_H
#define VM_STATE_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* Operations on complete directories.  They never follow a symbolic link or enter another file
 * system. */

/* Deletes `name` in dir_fd and everything below it.  What is nested too deeply is moved up into
 * dir_fd under a new name and deleted by the next call.  False with errno if something is left.
 * *stop, checked regularly, ends it early (ECANCELED). */
bool tree_remove(int dir_fd, const char *name, const volatile bool *stop);
/* fsync() of every file and directory below, and of dir_fd.  False with errno. */
bool tree_sync(int dir_fd);
/* The size on disk of all files below. */
int64_t tree_bytes(int dir_fd);

/* Opens a directory, not through a link; -1 with errno. */
int tree_open(int dir_fd, const char *name);

/* All names of a directory, so that entries can be removed during the iteration. */
struct tree_name {
	struct tree_name *next;
	char text[];
};
struct tree_name *tree_names(int dir_fd);
struct tree_name *tree_next_name(struct tree_name *name); /* frees name */

#endif

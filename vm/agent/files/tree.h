#ifndef VM_AGENT_FILES_TREE_H
#define VM_AGENT_FILES_TREE_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

/* Changes to files and whole directories.  All of these run in a step, and stop when `stop` is
 * set. */

/* Makes missing directories up to `path`, with this mode.  *ret_made: path itself is new.  A
 * directory that exists is no error. */
bool tree_make(
	const char *path, mode_t mode, bool parents, bool *ret_made, struct err *err) NODISCARD;
/* The same for the directory of a file. */
bool tree_make_parent(const char *path, struct err *err) NODISCARD;

struct tree_removal {
	const atomic_bool *stop;
	int64_t removed;
};
/* A file or directory, with everything in it if recursive.  Links are not followed. */
bool tree_remove(
	const char *path, bool recursive, struct tree_removal *removal, struct err *err) NODISCARD;
/* What a failed operation has left; errors do not matter. */
void tree_discard(const char *path);

struct tree_copy {
	const atomic_bool *stop;
	int64_t files, bytes, skipped;
	char note[1000]; /* what was skipped first */
};
/* to must not exist.  What was copied before a failure remains. */
bool tree_copy(const char *from, const char *to, struct tree_copy *copy, struct err *err) NODISCARD;
/* Attributes user.*, owner as far as permitted, mode and, if requested, times; of an open file or
 * directory. */
void tree_copy_attributes(int from, int to, const struct stat *st, bool times);

/* A name in the same directory that is not used and that watches do not report; to free(). */
char *tree_temporary(const char *path);
#define TREE_TEMPORARY ".vitrine-"
/* Renames; to: replace: what is there may be replaced. */
bool tree_put(const char *from, const char *to, bool replace, const char *shown,
	struct err *err) NODISCARD;

#endif

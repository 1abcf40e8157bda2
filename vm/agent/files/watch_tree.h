#ifndef VM_AGENT_FILES_WATCH_TREE_H
#define VM_AGENT_FILES_WATCH_TREE_H

#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/inotify.h>

/* The watches of inotify on a directory, and on those below it. */
struct watch_tree;

#define WATCH_DIRECTORIES_MAX 65536

struct watch_tree *watch_tree_new(
	const char *root, bool recursive, const atomic_bool *stop, struct err *err) NODISCARD;
void watch_tree_free(struct watch_tree *tree);
int watch_tree_fd(const struct watch_tree *tree);
size_t watch_tree_count(const struct watch_tree *tree);
/* The path of a watch's directory relative to the root, "" for the root; NULL: no longer watched. */
const char *watch_tree_path(const struct watch_tree *tree, int wd);
void watch_tree_forget(struct watch_tree *tree, int wd); /* the kernel has removed it */
/* Watches a new directory and those below it.  found is called for everything in it, after the watch
 * on its directory stands; NULL: nobody asks. */
typedef void watch_found_fn(const char *path, void *data);
void watch_tree_add(struct watch_tree *tree, const char *path, watch_found_fn *found, void *data);
/* A directory was moved away: what is below it is not watched any more. */
void watch_tree_remove(struct watch_tree *tree, const char *path);
/* Whether a directory could not be watched since the last call. */
bool watch_tree_lost(struct watch_tree *tree);

#endif

#include "vm/agent/files/watch_tree.h"

#include "base/cleanup.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/tree.h"
#include "vm/agent/files/walk.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define EVENTS \
	(IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR)

struct watch_tree {
	char *root;
	int fd;
	bool recursive, lost;
	GHashTable *paths; /* watch -> path */
	const atomic_bool *stop;
};

static char *full_path(const struct watch_tree *tree, const char *path)
{
	struct buf full = { 0 };
	buf_printf(&full, "%s%s%s", strcmp(tree->root, "/") == 0 ? "" : tree->root,
		*path ? "/" : "", path);
	if (!full.len) {
		buf_append(&full, "/", 1);
	}
	return (char *)full.data;
}

static bool add_one(struct watch_tree *tree, const char *path)
{
	auto_free char *full = full_path(tree, path);
	uint32_t mask = EVENTS | (*path ? IN_DONT_FOLLOW : IN_DELETE_SELF | IN_MOVE_SELF);
	if (g_hash_table_size(tree->paths) >= WATCH_DIRECTORIES_MAX) {
		errno = ENOSPC;
		return false;
	}
	int wd = inotify_add_watch(tree->fd, full, mask);
	if (wd >= 0) {
		g_hash_table_insert(tree->paths, GINT_TO_POINTER(wd), g_strdup(path));
	}
	return wd >= 0;
}

static bool is_gone(int sys)
{
	return sys == ENOENT || sys == ENOTDIR || sys == ELOOP || sys == EACCES;
}

/* The directories below one that is watched. */
static bool add_below(struct watch_tree *tree, const char *path, watch_found_fn *found, void *data)
{
	auto_free char *full = full_path(tree, path);
	size_t skip = strcmp(tree->root, "/") == 0 ? 1 : strlen(tree->root) + 1;
	struct walk walk;
	struct err ignored;
	bool ok = true;
	if (!walk_begin(&walk, full, MESSAGE_FILE_DEPTH_MAX, MESSAGE_FILE_ROWS_MAX, tree->stop,
		    &ignored)) {
		return true;
	}
	while (ok && walk_next(&walk)) {
		const char *below = buf_text(&walk.path) + skip;
		bool is_directory = walk.type == DT_DIR || walk.type == DT_UNKNOWN;
		if (is_directory && tree->recursive) {
			ok = add_one(tree, below) || is_gone(errno);
		}
		if (found) {
			found(below, data);
		}
		if (is_directory && tree->recursive && ok) {
			walk_enter(&walk);
		}
	}
	walk_done(&walk);
	return ok;
}

struct watch_tree *watch_tree_new(
	const char *root, bool recursive, const atomic_bool *stop, struct err *err)
{
	struct watch_tree *tree = must(calloc(1, sizeof(*tree)));
	tree->root = must(strdup(root));
	tree->recursive = recursive;
	tree->stop = stop;
	tree->paths = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	tree->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (tree->fd >= 0 && add_one(tree, "") && (!recursive || add_below(tree, "", NULL, NULL))) {
		return tree;
	}
	if (errno == ENOSPC) {
		err_set(err, ERR_LIMIT,
			"'%.200s' has too many directories to watch them all (ENOSPC): %u are watched; "
			"watch a part of them, or without 'recursive'",
			root, g_hash_table_size(tree->paths));
	} else {
		file_failed(err, "watch", root);
	}
	watch_tree_free(tree);
	return NULL;
}

void watch_tree_free(struct watch_tree *tree)
{
	if (tree) {
		cleanup_close(&tree->fd);
		g_hash_table_unref(tree->paths);
		free(tree->root);
		free(tree);
	}
}

int watch_tree_fd(const struct watch_tree *tree)
{
	return tree->fd;
}

size_t watch_tree_count(const struct watch_tree *tree)
{
	return g_hash_table_size(tree->paths);
}

const char *watch_tree_path(const struct watch_tree *tree, int wd)
{
	return g_hash_table_lookup(tree->paths, GINT_TO_POINTER(wd));
}

void watch_tree_forget(struct watch_tree *tree, int wd)
{
	g_hash_table_remove(tree->paths, GINT_TO_POINTER(wd));
}

void watch_tree_add(struct watch_tree *tree, const char *path, watch_found_fn *found, void *data)
{
	if (tree->recursive && !add_one(tree, path)) {
		tree->lost |= !is_gone(errno);
	} else if (tree->recursive) {
		tree->lost |= !add_below(tree, path, found, data);
	}
}

void watch_tree_remove(struct watch_tree *tree, const char *path)
{
	GHashTableIter iter;
	gpointer wd, watched;
	size_t len = strlen(path);
	g_hash_table_iter_init(&iter, tree->paths);
	while (g_hash_table_iter_next(&iter, &wd, &watched)) {
		const char *below = watched;
		if (strncmp(below, path, len) == 0 && (below[len] == '/' || !below[len])) {
			inotify_rm_watch(tree->fd, GPOINTER_TO_INT(wd));
			g_hash_table_iter_remove(&iter);
		}
	}
}

bool watch_tree_lost(struct watch_tree *tree)
{
	bool lost = tree->lost;
	tree->lost = false;
	return lost;
}

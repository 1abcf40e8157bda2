#include "vm/agent/files/walk.h"

#include "base/cleanup.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/open.h"
#include "vm/agent/files/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names of one directory ---- */

static int compare(const void *a, const void *b, void *names)
{
	const char *all = names;
	return strcmp(all + *(const size_t *)a + 1, all + *(const size_t *)b + 1);
}

static void sort(struct walk_level *level)
{
	if (level->n == 0) {
		return;
	}
	qsort_r(level->order, level->n, sizeof(level->order[0]), compare, level->names.data);
}

/* Keeps the first `keep` names. */
static void shrink(struct walk_level *level, size_t keep)
{
	struct buf kept = { 0 };
	sort(level);
	for (size_t i = 0; i < keep; i++) {
		const char *name = (const char *)level->names.data + level->order[i];
		level->order[i] = kept.len;
		buf_append(&kept, name, strlen(name + 1) + 2);
	}
	buf_done(&level->names);
	level->names = kept;
	level->n = keep;
}

static void add_name(struct walk *walk, struct walk_level *level, const struct dirent *entry)
{
	static const size_t first = 64;
	if (level->n == 2 * walk->keep) {
		shrink(level, walk->keep);
	}
	if (level->n == 0 || (level->n >= first && (level->n & (level->n - 1)) == 0)) {
		size_t size = (level->n ? 2 * level->n : first) * sizeof(level->order[0]);
		level->order = must(realloc(level->order, size));
	}
	level->order[level->n++] = level->names.len;
	char type = (char)entry->d_type;
	buf_append(&level->names, &type, 1);
	buf_append(&level->names, entry->d_name, strlen(entry->d_name) + 1);
	walk->total++;
}

static void read_names(struct walk *walk, struct walk_level *level)
{
	int fd = fcntl(level->fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	errno = 0;
	while (dir && !atomic_load(walk->stop) && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			add_name(walk, level, entry);
		}
		errno = 0;
	}
	if (!dir || errno) {
		walk_skip(walk, buf_text(&walk->path), NULL);
	}
	if (dir) {
		closedir(dir);
	} else if (fd >= 0) {
		close(fd);
	}
	if (level->n > walk->keep) {
		shrink(level, walk->keep);
	} else {
		sort(level);
	}
}

/* ---- the walk ---- */

void walk_skip(struct walk *walk, const char *path, const char *why)
{
	struct err err;
	if (walk->skipped++ == 0) {
		if (why) {
			file_refused(&err, ERR_STATE, path, why);
		} else {
			file_failed(&err, "read", path);
		}
		snprintf(walk->note, sizeof(walk->note), "%s", err.text);
	}
}

static void push(struct walk *walk, int fd)
{
	struct walk_level *level = &walk->levels[walk->depth++];
	*level = (struct walk_level){ .fd = fd, .path_len = walk->path.len };
	read_names(walk, level);
}

static void pop(struct walk *walk)
{
	struct walk_level *level = &walk->levels[--walk->depth];
	close(level->fd);
	buf_done(&level->names);
	free(level->order);
}

bool walk_begin(struct walk *walk, const char *root, size_t max_depth, size_t keep,
	const atomic_bool *stop, struct err *err)
{
	*walk = (struct walk){ .max_depth = max_depth, .keep = keep, .stop = stop };
	int fd = open_directory(AT_FDCWD, root, true);
	if (fd < 0) {
		return file_failed(err, "read the directory", root);
	}
	walk->in_pseudo = open_is_pseudo(fd);
	walk->levels = must(calloc(max_depth, sizeof(walk->levels[0])));
	if (strcmp(root, "/") != 0) {
		buf_append(&walk->path, root, strlen(root));
	}
	push(walk, fd);
	return true;
}

bool walk_next(struct walk *walk)
{
	while (walk->depth && walk->levels[walk->depth - 1].at == walk->levels[walk->depth - 1].n) {
		pop(walk);
	}
	if (!walk->depth || atomic_load(walk->stop)) {
		return false;
	}
	struct walk_level *level = &walk->levels[walk->depth - 1];
	const char *name = (const char *)level->names.data + level->order[level->at++];
	walk->type = (unsigned char)name[0];
	walk->name = name + 1;
	walk->dir = level->fd;
	walk->path.len = level->path_len;
	buf_append(&walk->path, "/", 1);
	buf_append(&walk->path, walk->name, strlen(walk->name));
	return true;
}

void walk_enter(struct walk *walk)
{
	struct stat st, above;
	if (walk->depth == walk->max_depth) {
		return;
	}
	if (walk->path.len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		walk_skip(walk, buf_text(&walk->path), NULL);
		return;
	}
	int fd = open_directory(walk->dir, walk->name, false);
	if (fd < 0) {
		walk_skip(walk, buf_text(&walk->path), NULL);
		return;
	}
	if (!walk->in_pseudo && fstat(fd, &st) == 0 && fstat(walk->dir, &above) == 0 &&
		st.st_dev != above.st_dev && open_is_pseudo(fd)) {
		walk_skip(walk, buf_text(&walk->path), "is a file system of the kernel");
		close(fd);
		return;
	}
	push(walk, fd);
}

void walk_done(struct walk *walk)
{
	while (walk->depth) {
		pop(walk);
	}
	free(take_ptr(&walk->levels));
	buf_done(&walk->path);
}

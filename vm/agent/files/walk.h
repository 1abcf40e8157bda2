#ifndef VM_AGENT_FILES_WALK_H
#define VM_AGENT_FILES_WALK_H

#include "base/buf.h"
#include "vm/wire/messages_files.h"

#include <dirent.h>
#include <stdatomic.h>

/*
 * The files below a directory, depth first, by name.  Links are not followed.  Of each directory,
 * at most `keep` names are held, the first ones, so a directory of a million entries costs little
 * memory.  Directories of kernel file systems are left out, unless the walk begins in one.
 */
struct walk_level {
	int fd;
	struct buf names; /* NUL-terminated, behind each other; a type byte is in front */
	size_t *order;    /* sorted offsets */
	size_t n, at;
	size_t path_len;
};

struct walk {
	struct walk_level *levels; /* of max_depth */
	size_t depth, max_depth, keep;
	struct buf path; /* of the current item */
	bool in_pseudo;
	const atomic_bool *stop;
	int64_t total, skipped;
	char note[MESSAGE_TEXT_MAX / 4]; /* why the first was skipped */
	/* The current item. */
	int dir;
	const char *name;
	unsigned char type; /* DT_* */
};

/* The root must be a directory. */
bool walk_begin(struct walk *walk, const char *root, size_t max_depth, size_t keep,
	const atomic_bool *stop, struct err *err) NODISCARD;
/* False after the last; then, or earlier, walk_done(). */
bool walk_next(struct walk *walk) NODISCARD;
/* The next items are those in the current one, a directory. */
void walk_enter(struct walk *walk);
/* Counts something that was left out; why: errno, or a sentence. */
void walk_skip(struct walk *walk, const char *path, const char *why);
void walk_done(struct walk *walk);

#endif

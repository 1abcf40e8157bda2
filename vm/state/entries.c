/*
 * The entries of the state directory.  They are based on three atomic functions of the kernel:
 * rename(2), which makes a directory appear or disappear completely; flock(2) on the directory itself,
 * which shows who creates or uses it and ends with its process; and openat(2) from descriptors opened
 * at start.
 *
 * A process that moves a directory must hold its lock, and then check again that the name still
 * refers to it, because another process may have moved it in between.
 */

#include "base/cleanup.h"
#include "base/id.h"
#include "vm/state/state_impl.h"
#include "vm/state/trash.h"
#include "vm/state/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NAME_LEN_MAX 120
/* other processes may remove the entry just found; each repetition is less likely */
#define TRIES 16

const char *const state_kind_names[] = { "images", "templates", "snapshots", "sandboxes", NULL };

/* ---- names and locks ---- */

bool state_name_is_valid(const char *name)
{
	size_t len = name ? strlen(name) : 0;
	return len > 0 && len <= NAME_LEN_MAX && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "._+-") == len;
}

/* The name of an incomplete entry. */
struct hidden {
	char name[NAME_LEN_MAX + 2];
};

static struct hidden hide(const char *name)
{
	struct hidden hidden;
	snprintf(hidden.name, sizeof(hidden.name), ".%s", name);
	return hidden;
}

char *state_path(const struct state *state, enum state_kind kind, const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s/%s", state->dir, state_kind_names[kind], name) < 0) {
		abort();
	}
	return path;
}

char *state_unfinished(const struct state *state, enum state_kind kind, const char *name)
{
	return state_path(state, kind, hide(name).name);
}

bool state_has(const struct state *state, enum state_kind kind, const char *name)
{
	struct stat st;
	return state_name_is_valid(name) &&
	       fstatat(state->fds[kind], name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static bool is_at(int parent, const char *name, int fd)
{
	struct stat there, here;
	return fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &here) == 0 &&
	       there.st_ino == here.st_ino && there.st_dev == here.st_dev;
}

int state_lock_at(int parent, const char *name, int how)
{
	for (int i = 0; i < TRIES; i++) {
		auto_close int fd = tree_open(parent, name);
		if (fd < 0 || flock(fd, how | LOCK_NB) < 0) {
			return -1;
		}
		if (is_at(parent, name, fd)) {
			return take_fd(&fd);
		}
	}
	errno = EWOULDBLOCK;
	return -1;
}

int state_lock(struct state *state, enum state_kind kind, const char *name)
{
	return state_name_is_valid(name) ? state_lock_at(state->fds[kind], name, LOCK_EX) : -1;
}

int state_use(struct state *state, enum state_kind kind, const char *name)
{
	return state_name_is_valid(name) ? state_lock_at(state->fds[kind], name, LOCK_SH) : -1;
}

bool state_throw_away(struct state *state, int parent, const char *name)
{
	char id[ID_LEN + 1];
	id_make(id);
	if (renameat(parent, name, state->trash_fd, id) < 0) {
		return false;
	}
	trash_empty(state->trash);
	return true;
}

/* ---- creation ---- */

enum outcome { MADE, TAKEN, AGAIN, FAILED };

/* Another process creates an entry of this name, or has left it incomplete.  The latter is
 * removed. */
static enum outcome look_at_other(struct state *state, int parent, const char *hidden)
{
	auto_close int other = state_lock_at(parent, hidden, LOCK_EX);
	if (other < 0) {
		return errno == EWOULDBLOCK ? TAKEN : errno == ENOENT ? AGAIN : FAILED;
	}
	return state_throw_away(state, parent, hidden) || errno == ENOENT ? AGAIN : FAILED;
}

/* It is locked before it gets its name.  Until then a server that is starting may remove it. */
static enum outcome try_begin(struct state *state, int parent, const char *hidden, int *ret_fd)
{
	char id[ID_LEN + 1], fresh[ID_LEN + 3];
	id_make(id);
	snprintf(fresh, sizeof(fresh), "..%s", id); /* differs from all names of hide() */
	if (mkdirat(parent, fresh, 0700) < 0) {
		return FAILED;
	}
	auto_close int fd = state_lock_at(parent, fresh, LOCK_EX);
	if (fd < 0) {
		return errno == ENOENT || errno == EWOULDBLOCK ? AGAIN : FAILED;
	}
	if (renameat2(parent, fresh, parent, hidden, RENAME_NOREPLACE) == 0) {
		*ret_fd = take_fd(&fd);
		return MADE;
	}
	int sys = errno;
	unlinkat(parent, fresh, AT_REMOVEDIR);
	errno = sys;
	return sys == ENOENT   ? AGAIN
	       : sys == EEXIST ? look_at_other(state, parent, hidden)
			       : FAILED;
}

static enum outcome begin(struct state *state, int parent, const char *hidden, int *ret_fd)
{
	enum outcome outcome = AGAIN;
	for (int i = 0; i < TRIES && outcome == AGAIN; i++) {
		outcome = try_begin(state, parent, hidden, ret_fd);
	}
	return outcome;
}

int state_begin(struct state *state, enum state_kind kind, const char *name, char **ret_path,
	struct err *err)
{
	int parent = state->fds[kind];
	auto_close int fd = -1;
	if (!state_name_is_valid(name)) {
		err_set(err, ERR_ARGUMENT, "'%.60s' is not a valid directory name", name);
		return -1;
	}
	struct hidden hidden = hide(name);
	enum outcome outcome = begin(state, parent, hidden.name, &fd);
	if (outcome == MADE && state_has(state, kind, name)) {
		state_throw_away(state, parent, hidden.name);
		err_set(err, ERR_STATE, "%s/%s already exists", state_kind_names[kind], name);
		return -1;
	}
	if (outcome == FAILED) {
		state_errno(
			err, "cannot create %s/%s/%s", state->dir, state_kind_names[kind], name);
		return -1;
	}
	if (outcome != MADE) {
		err_set(err, ERR_STATE, "another process is creating %s/%s", state_kind_names[kind],
			name);
		return -1;
	}
	*ret_path = state_path(state, kind, hidden.name);
	return take_fd(&fd);
}

bool state_commit(struct state *state, enum state_kind kind, const char *name, struct err *err)
{
	int parent = state->fds[kind];
	struct hidden hidden = hide(name);
	auto_close int fd = tree_open(parent, hidden.name);
	/* running sandboxes do not survive a power failure anyway */
	bool lasts = kind != STATE_SANDBOXES;
	if (fd < 0 || (lasts && !tree_sync(fd))) {
		return state_errno(
			err, "cannot write %s/%s/%s", state->dir, state_kind_names[kind], name);
	}
	if (renameat2(parent, hidden.name, parent, name, RENAME_NOREPLACE) < 0) {
		if (errno != EEXIST) {
			return state_errno(err, "cannot complete %s/%s/%s", state->dir,
				state_kind_names[kind], name);
		}
		state_throw_away(state, parent, hidden.name);
	}
	return !lasts || fsync(parent) == 0 || state_errno(err, "cannot write %s", state->dir);
}

/* ---- removing ---- */

void state_remove(struct state *state, enum state_kind kind, const char *name)
{
	struct hidden hidden = hide(name);
	if (state_name_is_valid(name) && !state_throw_away(state, state->fds[kind], name)) {
		state_throw_away(state, state->fds[kind], hidden.name);
	}
}

void state_remove_in(struct state *state, enum state_kind kind, const char *name, const char *file)
{
	if (!state_name_is_valid(name) || !state_name_is_valid(file)) {
		return;
	}
	auto_close int fd = tree_open(state->fds[kind], name);
	if (fd >= 0) {
		state_throw_away(state, fd, file);
	}
}

void state_each(struct state *state, enum state_kind kind,
	void (*fn)(const char *name, const char *path, void *data), void *data)
{
	for (struct tree_name *name = tree_names(state->fds[kind]); name;
		name = tree_next_name(name)) {
		if (state_has(state, kind, name->text)) {
			auto_free char *path = state_path(state, kind, name->text);
			fn(name->text, path, data);
		}
	}
}

/*
 * The state directory.  It is based on three atomic functions of the kernel: rename(2), which makes
 * a directory appear or disappear completely; flock(2) on the directory itself, which shows who
 * creates or uses it and ends with its process; and openat(2) from descriptors opened at start.
 *
 * A process that moves a directory must hold its lock, and then check again that the name still
 * refers to it, because another process may have moved it in between.
 */
#include "vm/state/state.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "vm/state/trash.h"
#include "vm/state/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#define NAME_LEN_MAX 120
/* other processes may remove the entry just found; each repetition is less likely */
#define TRIES 16

struct state {
	char *dir;
	int fds[STATE_KINDS], trash_fd;
	struct trash *trash;
};

const char *const state_kind_words[] = { "images", "templates", "snapshots", "sandboxes", NULL };

/* ---- location ---- */

static char *join(const char *a, const char *b)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", a, b) < 0) {
		abort();
	}
	return path;
}

/* Programs started by systemd units inherit the unit's variable, so it counts only if the directory
 * was created for Vitrine. */
static char *systemd_dir(void)
{
	const char *dirs = getenv("STATE_DIRECTORY");
	if (!dirs || dirs[0] != '/') {
		return NULL;
	}
	char *first = must(strndup(dirs, strcspn(dirs, ":")));
	if (strncmp(strrchr(first, '/') + 1, "vitrine", strlen("vitrine")) != 0) {
		free(take_ptr(&first));
	}
	return first;
}

char *state_default_dir(struct err *err)
{
	char *dir = systemd_dir();
	if (dir) {
		return dir;
	}
	if (geteuid() == 0) {
		return must(strdup("/var/lib/vitrine"));
	}
	const char *base = getenv("XDG_STATE_HOME");
	if (base && base[0] == '/') {
		return join(base, "vitrine");
	}
	const char *home = getenv("HOME");
	const struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(geteuid());
	home = user ? user->pw_dir : home;
	if (!home || home[0] != '/') {
		err_set(err, ERR_HOST, "no state directory: set HOME or --state-dir");
		return NULL;
	}
	return join(home, ".local/state/vitrine");
}

static bool make_parents(const char *dir)
{
	auto_free char *path = must(strdup(dir));
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			return false;
		}
		*slash = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* The directory must belong to us and be writable for us only, so that a server wrote everything in
 * it. */
static bool is_ours(int fd, const char *dir, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0) {
		return state_errno(err, "the state directory %.200s", dir);
	}
	if (st.st_uid != geteuid()) {
		return err_set(err, ERR_HOST,
			"the state directory %.200s belongs to user %u, but this server runs as "
			"user %u; set another one with --state-dir",
			dir, st.st_uid, geteuid());
	}
	if (st.st_mode & 022) {
		return err_set(err, ERR_HOST,
			"other users can write to the state directory %.200s (mode %04o): run "
			"chmod 700, or set another one with --state-dir",
			dir, st.st_mode & 07777);
	}
	return true;
}

static int open_part(int root, const char *dir, const char *name, struct err *err)
{
	if (mkdirat(root, name, 0700) < 0 && errno != EEXIST) {
		state_errno(err, "cannot create %.200s/%s", dir, name);
		return -1;
	}
	auto_close int fd = tree_open(root, name);
	if (fd < 0) {
		state_errno(err, "cannot open %.200s/%s", dir, name);
		return -1;
	}
	auto_free char *path = join(dir, name);
	return is_ours(fd, path, err) ? take_fd(&fd) : -1;
}

static bool open_parts(struct state *state, struct err *err)
{
	auto_close int root = open(state->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		return state_errno(err, "cannot open the state directory %.200s", state->dir);
	}
	if (!is_ours(root, state->dir, err)) {
		return false;
	}
	for (int kind = 0; kind < STATE_KINDS; kind++) {
		state->fds[kind] = open_part(root, state->dir, state_kind_words[kind], err);
		if (state->fds[kind] < 0) {
			return false;
		}
	}
	state->trash_fd = open_part(root, state->dir, "trash", err);
	return state->trash_fd >= 0;
}

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

char *state_unfinished(const struct state *state, enum state_kind kind, const char *name)
{
	return state_path(state, kind, hide(name).name);
}

static bool is_at(int parent, const char *name, int fd)
{
	struct stat there, here;
	return fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &here) == 0 &&
	       there.st_ino == here.st_ino && there.st_dev == here.st_dev;
}

/* -1 with errno: EWOULDBLOCK if it is locked, ENOENT. */
static int lock_at(int parent, const char *name, int how)
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
	return state_name_is_valid(name) ? lock_at(state->fds[kind], name, LOCK_EX) : -1;
}

int state_use(struct state *state, enum state_kind kind, const char *name)
{
	return state_name_is_valid(name) ? lock_at(state->fds[kind], name, LOCK_SH) : -1;
}

static bool throw_away(struct state *state, int parent, const char *name)
{
	char id[ID_LEN + 1];
	id_make(id);
	if (renameat(parent, name, state->trash_fd, id) < 0) {
		return false;
	}
	trash_empty(state->trash);
	return true;
}

/* ---- opening ---- */

struct name {
	struct name *next;
	char text[];
};

/* All names of a directory, so that entries can be removed during the iteration. */
static struct name *list_names(int dir_fd)
{
	struct name *first = NULL;
	int fd = tree_open(dir_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		size_t size = strlen(entry->d_name) + 1;
		struct name *name = must(malloc(sizeof(*name) + size));
		memcpy(name->text, entry->d_name, size);
		name->next = first;
		first = name;
	}
	if (dir) {
		closedir(dir);
	}
	return first;
}

static struct name *next_name(struct name *name)
{
	struct name *next = name->next;
	free(name);
	return next;
}

/* Removes incomplete entries without a live creator. */
static void sweep(struct state *state, int parent)
{
	for (struct name *name = list_names(parent); name; name = next_name(name)) {
		if (name->text[0] != '.') {
			continue;
		}
		auto_close int fd = lock_at(parent, name->text, LOCK_EX);
		if (fd >= 0 || errno == ENOTDIR || errno == ELOOP) {
			(void)!throw_away(state, parent, name->text);
		}
	}
}

static bool has_entries(int dir_fd)
{
	bool any = false;
	for (struct name *name = list_names(dir_fd); name; name = next_name(name)) {
		any = true;
	}
	return any;
}

struct state *state_open(const char *dir, struct err *err)
{
	auto_free char *path = dir ? must(strdup(dir)) : state_default_dir(err);
	if (!path) {
		return NULL;
	}
	if (!make_parents(path)) {
		state_errno(err, "cannot create the state directory %.200s", path);
		return NULL;
	}
	struct state *state = must(malloc(sizeof(*state)));
	*state = (struct state){ .fds = { -1, -1, -1, -1 }, .trash_fd = -1 };
	state->dir = realpath(path, NULL);
	if (!state->dir || !open_parts(state, err)) {
		if (!state->dir) {
			state_errno(err, "cannot open the state directory %.200s", path);
		}
		state_close(state);
		return NULL;
	}
	state->trash = trash_new(state->trash_fd);
	/* Images are left to the next build, because their files belong to subordinate ids
	 * (vm/image/store.h). */
	for (int kind = 0; kind < STATE_KINDS; kind++) {
		if (kind != STATE_IMAGES) {
			sweep(state, state->fds[kind]);
		}
	}
	if (has_entries(state->trash_fd)) {
		trash_empty(state->trash);
	}
	return state;
}

bool state_is_there(const char *dir)
{
	struct err err;
	struct stat st;
	auto_free char *path = dir ? must(strdup(dir)) : state_default_dir(&err);
	return path && stat(path, &st) == 0;
}

void state_close(struct state *state)
{
	if (!state) {
		return;
	}
	trash_free(state->trash);
	for (int kind = 0; kind < STATE_KINDS; kind++) {
		if (state->fds[kind] >= 0) {
			close(state->fds[kind]);
		}
	}
	if (state->trash_fd >= 0) {
		close(state->trash_fd);
	}
	free(state->dir);
	free(state);
}

const char *state_dir(const struct state *state)
{
	return state->dir;
}

char *state_path(const struct state *state, enum state_kind kind, const char *name)
{
	auto_free char *of_kind = join(state->dir, state_kind_words[kind]);
	return join(of_kind, name);
}

bool state_has(const struct state *state, enum state_kind kind, const char *name)
{
	struct stat st;
	return state_name_is_valid(name) &&
	       fstatat(state->fds[kind], name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* ---- creation ---- */

enum outcome { MADE, TAKEN, AGAIN, FAILED };

/* Another process creates an entry of this name, or has left it incomplete.  The latter is
 * removed. */
static enum outcome look_at_other(struct state *state, int parent, const char *hidden)
{
	auto_close int other = lock_at(parent, hidden, LOCK_EX);
	if (other < 0) {
		return errno == EWOULDBLOCK ? TAKEN : errno == ENOENT ? AGAIN : FAILED;
	}
	return throw_away(state, parent, hidden) || errno == ENOENT ? AGAIN : FAILED;
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
	auto_close int fd = lock_at(parent, fresh, LOCK_EX);
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
		throw_away(state, parent, hidden.name);
		err_set(err, ERR_STATE, "%s/%s already exists", state_kind_words[kind], name);
		return -1;
	}
	if (outcome == FAILED) {
		state_errno(
			err, "cannot create %s/%s/%s", state->dir, state_kind_words[kind], name);
		return -1;
	}
	if (outcome != MADE) {
		err_set(err, ERR_STATE, "another process is creating %s/%s", state_kind_words[kind],
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
			err, "cannot write %s/%s/%s", state->dir, state_kind_words[kind], name);
	}
	if (renameat2(parent, hidden.name, parent, name, RENAME_NOREPLACE) < 0) {
		if (errno != EEXIST) {
			return state_errno(err, "cannot complete %s/%s/%s", state->dir,
				state_kind_words[kind], name);
		}
		throw_away(state, parent, hidden.name);
	}
	return !lasts || fsync(parent) == 0 || state_errno(err, "cannot write %s", state->dir);
}

/* ---- removing ---- */

void state_remove(struct state *state, enum state_kind kind, const char *name)
{
	struct hidden hidden = hide(name);
	if (state_name_is_valid(name) && !throw_away(state, state->fds[kind], name)) {
		throw_away(state, state->fds[kind], hidden.name);
	}
}

void state_remove_in(struct state *state, enum state_kind kind, const char *name, const char *file)
{
	if (!state_name_is_valid(name) || !state_name_is_valid(file)) {
		return;
	}
	auto_close int fd = tree_open(state->fds[kind], name);
	if (fd >= 0) {
		throw_away(state, fd, file);
	}
}

void state_each(struct state *state, enum state_kind kind,
	void (*fn)(const char *name, const char *path, void *data), void *data)
{
	for (struct name *name = list_names(state->fds[kind]); name; name = next_name(name)) {
		if (state_has(state, kind, name->text)) {
			auto_free char *path = state_path(state, kind, name->text);
			fn(name->text, path, data);
		}
	}
}

/* ---- whole directories ---- */

bool state_sync(const char *path, struct err *err)
{
	auto_close int fd = tree_open(AT_FDCWD, path);
	return (fd >= 0 && tree_sync(fd)) || state_errno(err, "cannot write %.300s", path);
}

int64_t state_free(const struct state *state)
{
	struct statvfs fs;
	return fstatvfs(state->trash_fd, &fs) < 0 ? 0 : (int64_t)(fs.f_bavail * fs.f_frsize);
}

int64_t state_bytes(const char *path)
{
	auto_close int fd = tree_open(AT_FDCWD, path);
	return fd < 0 ? 0 : tree_bytes(fd);
}

/* ---- sockets ---- */

void state_socket_address(int dir_fd, const char *file, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%.80s",
		dir_fd, file);
}

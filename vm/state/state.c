/* The state directory: where it is, whose it is, and what a start removes from it. */
#include "vm/state/state.h"

#include "base/cleanup.h"
#include "vm/state/state_impl.h"
#include "vm/state/trash.h"
#include "vm/state/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>

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
		state->fds[kind] = open_part(root, state->dir, state_kind_names[kind], err);
		if (state->fds[kind] < 0) {
			return false;
		}
	}
	state->trash_fd = open_part(root, state->dir, "trash", err);
	return state->trash_fd >= 0;
}

/* ---- opening ---- */

/* Removes incomplete entries without a live creator. */
static void sweep(struct state *state, int parent)
{
	for (struct tree_name *name = tree_names(parent); name; name = tree_next_name(name)) {
		if (name->text[0] != '.') {
			continue;
		}
		auto_close int fd = state_lock_at(parent, name->text, LOCK_EX);
		if (fd >= 0 || errno == ENOTDIR || errno == ELOOP) {
			(void)!state_throw_away(state, parent, name->text);
		}
	}
}

static bool has_entries(int dir_fd)
{
	bool any = false;
	for (struct tree_name *name = tree_names(dir_fd); name; name = tree_next_name(name)) {
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

/* Files of another root: openat2() confines every path component to it. */
#include "vm/image/root.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define DEPTH_MAX 64

static int open_how(int root, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	/* Opening a pipe in place of a file would block. */
	int more = O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY);
	struct open_how how = {
		.flags = (uint64_t)(flags | more),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

int root_open(int root, const char *path, int flags, mode_t mode)
{
	return open_how(root, path, flags, mode, 0);
}

bool root_has(int root, const char *path)
{
	auto_close int fd = root_open(root, path, O_PATH, 0);
	return fd >= 0;
}

bool root_read(int root, const char *path, size_t max, struct buf *out, struct err *err)
{
	auto_close int fd = root_open(root, path, O_RDONLY, 0);
	return fd < 0 ? err_errno(err, "cannot open /%s", path)
		      : file_read(fd, max, path, out, err);
}

/* The open directory that contains it, and its last component. */
static int open_above(int root, const char *path, const char **ret_last)
{
	const char *slash = strrchr(path, '/');
	*ret_last = slash ? slash + 1 : path;
	auto_free char *above = must(slash ? strndup(path, (size_t)(slash - path)) : strdup("."));
	return root_open(root, above, O_PATH | O_DIRECTORY, 0);
}

bool root_mkdir(int root, const char *path, struct err *err)
{
	const char *last, *slash = strrchr(path, '/');
	auto_free char *above = slash ? must(strndup(path, (size_t)(slash - path))) : NULL;
	auto_close int there = root_open(root, path, O_PATH | O_DIRECTORY, 0);
	if (there >= 0) {
		return true;
	}
	if (above && !root_mkdir(root, above, err)) {
		return false;
	}
	auto_close int in = open_above(root, path, &last);
	return (in >= 0 && mkdirat(in, last, 0755) == 0) ||
	       err_errno(err, "cannot create the directory /%s", path);
}

bool root_write(
	int root, const char *path, mode_t mode, const void *bytes, size_t len, struct err *err)
{
	const char *last, *from = bytes;
	auto_close int in = open_above(root, path, &last);
	if (in < 0 || (unlinkat(in, last, 0) < 0 && errno != ENOENT)) {
		return err_errno(err, "cannot replace /%s", path);
	}
	auto_close int fd =
		openat(in, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return err_errno(err, "cannot create /%s", path);
	}
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, from + at, len - at);
		if (n < 0 && errno != EINTR) {
			return err_errno(err, "cannot write /%s", path);
		}
		at += n > 0 ? (size_t)n : 0;
	}
	return fchmod(fd, mode) == 0 || err_errno(err, "cannot set the mode of /%s", path);
}

bool root_link(int root, const char *path, const char *target, struct err *err)
{
	const char *last;
	auto_close int in = open_above(root, path, &last);
	if (in < 0 || (unlinkat(in, last, 0) < 0 && errno != ENOENT) ||
		symlinkat(target, in, last) < 0) {
		return err_errno(err, "cannot create the link /%s", path);
	}
	return true;
}

bool root_own(int root, const char *path, uid_t owner, struct err *err)
{
	const char *last;
	auto_close int in = open_above(root, path, &last);
	return (in >= 0 && fchownat(in, last, owner, owner, AT_SYMLINK_NOFOLLOW) == 0) ||
	       err_errno(err, "cannot set the owner of /%s", path);
}

void root_remove(int root, const char *path)
{
	const char *last;
	auto_close int in = open_above(root, path, &last);
	if (in >= 0) {
		unlinkat(in, last, 0);
	}
}

bool root_real_dir(int root, const char *name, mode_t mode, struct err *err)
{
	struct stat st;
	bool there = fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (there && S_ISDIR(st.st_mode)) {
		return true;
	}
	if ((there && unlinkat(root, name, 0) < 0) || mkdirat(root, name, mode) < 0) {
		return err_errno(err, "cannot create the directory /%s", name);
	}
	auto_close int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return (fd >= 0 && fchmod(fd, mode) == 0) ||
	       err_errno(err, "cannot set the mode of /%s", name);
}

/* ---- emptying ---- */

struct emptying {
	int top;    /* receives what is nested too deeply for one descriptor per level */
	bool moved; /* something was moved, so another pass is needed */
};

static bool empty(struct emptying *how, int take_dir, int depth);

static bool move_up(struct emptying *how, int dir, const char *name)
{
	char id[ID_LEN + 1];
	id_make(id);
	how->moved = true;
	return renameat(dir, name, how->top, id) == 0;
}

static bool remove_entry(struct emptying *how, int dir, const char *name, int depth)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
		return true;
	}
	if (depth >= DEPTH_MAX) {
		return move_up(how, dir, name);
	}
	int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return below >= 0 && empty(how, below, depth + 1) && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static bool empty(struct emptying *how, int take_dir, int depth)
{
	DIR *dir = fdopendir(take_dir);
	bool good = dir != NULL;
	if (!dir) {
		close(take_dir);
		return false;
	}
	for (struct dirent *entry; good && (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			good = remove_entry(how, dirfd(dir), entry->d_name, depth);
		}
	}
	closedir(dir);
	return good;
}

bool root_empty(int root, const char *path, struct err *err)
{
	struct emptying how = { .moved = true };
	auto_close int top = open_how(root, path, O_RDONLY | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
	if (top < 0) {
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR ||
		       err_errno(err, "cannot open /%s", path);
	}
	how.top = top;
	while (how.moved) {
		how.moved = false;
		int again = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (again < 0 || !empty(&how, again, 0)) {
			return err_errno(err, "cannot empty /%s", path);
		}
	}
	return true;
}

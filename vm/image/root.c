/* Files of another root: openat2() keeps every step of a path inside it. */
#include "vm/image/root.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#define DEPTH_MAX 64

int root_open(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

bool root_has(int root, const char *path)
{
	auto_close int fd = root_open(root, path, O_PATH, 0);
	return fd >= 0;
}

bool root_read(int root, const char *path, size_t max, struct buf *out, struct err *err)
{
	auto_close int fd = root_open(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	return fd < 0 ? err_errno(err, "cannot open /%s", path)
		      : file_read(fd, max, path, out, err);
}

/* The open directory that holds it, and its last part. */
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
	       err_errno(err, "cannot make the directory /%s", path);
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
		return err_errno(err, "cannot make /%s", path);
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
		return err_errno(err, "cannot make the link /%s", path);
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

/* ---- emptying ---- */

static bool empty(int take_dir, int depth);

static bool remove_entry(int dir, const char *name, int depth)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
		return true;
	}
	int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return below >= 0 && empty(below, depth + 1) && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static bool empty(int take_dir, int depth)
{
	DIR *dir = depth > DEPTH_MAX ? NULL : fdopendir(take_dir);
	bool good = dir != NULL;
	if (!dir) {
		close(take_dir);
		return false;
	}
	for (struct dirent *entry; good && (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			good = remove_entry(dirfd(dir), entry->d_name, depth);
		}
	}
	closedir(dir);
	return good;
}

bool root_empty(int root, const char *path, struct err *err)
{
	int dir = root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0) {
		return errno == ENOENT || err_errno(err, "cannot open /%s", path);
	}
	return empty(dir, 0) || err_errno(err, "cannot empty /%s", path);
}

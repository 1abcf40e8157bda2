#include "vm/agent/files/tree.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* ---- directories ---- */

/* mkdir() that accepts a directory which exists. */
static bool make_one(const char *path, mode_t mode, bool *ret_made, struct err *err)
{
	struct stat st;
	*ret_made = mkdir(path, mode) == 0;
	if (*ret_made) {
		chmod(path, mode); /* whatever the umask is */
		return true;
	}
	int sys = errno;
	if (sys == EEXIST || sys == EISDIR || sys == EROFS || sys == EACCES) {
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			return true;
		}
		if (sys == EEXIST) {
			return file_refused(
				err, ERR_ARGUMENT, path, "exists and is not a directory (EEXIST)");
		}
	}
	errno = sys;
	return file_failed(err, "make the directory", path);
}

bool tree_make(const char *path, mode_t mode, bool parents, bool *ret_made, struct err *err)
{
	auto_free char *part = must(strdup(path));
	bool made;
	for (char *slash = part; parents && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (access(part, F_OK) != 0 && !make_one(part, mode, &made, err)) {
			return false;
		}
		*slash = '/';
	}
	return make_one(path, mode, ret_made, err);
}

bool tree_make_parent(const char *path, struct err *err)
{
	auto_free char *parent = path_parent(path);
	bool made;
	return access(parent, F_OK) == 0 || tree_make(parent, 0755, true, &made, err);
}

/* ---- names ---- */

char *tree_temporary(const char *path)
{
	auto_free char *parent = path_parent(path);
	struct buf name = { 0 };
	uint64_t number = 0;
	(void)!getrandom(&number, sizeof(number), 0);
	buf_printf(&name, "%s/" TREE_TEMPORARY "%016llx", strcmp(parent, "/") == 0 ? "" : parent,
		(unsigned long long)number);
	return (char *)name.data;
}

bool tree_put(const char *from, const char *to, bool replace, const char *shown, struct err *err)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, replace ? 0 : RENAME_NOREPLACE) == 0) {
		return true;
	}
	/* A file system without the flag */
	struct stat st;
	if (!replace && errno == EINVAL && lstat(to, &st) < 0 && errno == ENOENT &&
		rename(from, to) == 0) {
		return true;
	}
	return errno == EEXIST ? file_refused(err, ERR_STATE, to,
					 "exists already (EEXIST); pass 'replace' to replace it")
			       : file_failed(err, "move", shown);
}

/* ---- removing ---- */

#define LEVELS_MAX 100

struct remover {
	struct tree_removal *removal;
	int root; /* the directory that is removed */
	const char *shown;
	unsigned moved; /* directories that were too deep, now in the root */
	bool again;
	struct err *err;
};

static bool fail(struct remover *r)
{
	return file_failed(r->err, "remove", r->shown);
}

static bool empty_directory(struct remover *r, int fd, unsigned level);

/* A directory below many levels is first moved to the root, so that few descriptors are open. */
static bool remove_directory(struct remover *r, int parent, const char *name, unsigned level)
{
	char moved[40];
	if (level >= LEVELS_MAX) {
		snprintf(moved, sizeof(moved), TREE_TEMPORARY "deep-%u", r->moved++);
		r->again = true;
		return renameat(parent, name, r->root, moved) == 0 || fail(r);
	}
	auto_close int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return fail(r);
	}
	if (!empty_directory(r, fd, level)) {
		return false;
	}
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0) {
		r->removal->removed++;
		return true;
	}
	return errno == ENOTEMPTY || errno == ENOENT || fail(r); /* looked at again by the caller */
}

static bool remove_one(struct remover *r, int fd, const struct dirent *entry, unsigned level)
{
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
		return true;
	}
	if (entry->d_type != DT_DIR && unlinkat(fd, entry->d_name, 0) == 0) {
		r->removal->removed++;
		return true;
	}
	if (entry->d_type != DT_DIR && errno != EISDIR && errno != EPERM) {
		return errno == ENOENT || fail(r);
	}
	return remove_directory(r, fd, entry->d_name, level + 1);
}

static bool is_stopped(const struct remover *r)
{
	return atomic_load(r->removal->stop) && !err_set(r->err, ERR_CANCELLED, "cancelled");
}

/* Other programs may add files meanwhile; an endless race ends with ENOTEMPTY. */
static bool empty_directory(struct remover *r, int fd, unsigned level)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool ok = dir || fail(r);
	while (ok && (entry = readdir(dir))) {
		ok = !is_stopped(r) && remove_one(r, fd, entry, level);
	}
	if (dir) {
		closedir(dir);
	} else if (copy >= 0) {
		close(copy);
	}
	return ok;
}

#define TRIES 1000 /* each removes 100 levels, or what others have added */

static bool remove_tree(const char *path, struct tree_removal *removal, struct err *err)
{
	auto_close int fd =
		open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct remover r = { .removal = removal, .root = fd, .shown = path, .err = err };
	if (fd < 0) {
		return fail(&r);
	}
	for (int i = 0; i < TRIES; i++) {
		lseek(fd, 0, SEEK_SET);
		if (!empty_directory(&r, fd, 0)) {
			return false;
		}
		if (rmdir(path) == 0) {
			removal->removed++;
			return true;
		}
		if (errno != ENOTEMPTY) {
			break;
		}
	}
	return fail(&r);
}

bool tree_remove(const char *path, bool recursive, struct tree_removal *removal, struct err *err)
{
	struct stat st;
	if (lstat(path, &st) < 0) {
		return file_failed(err, "remove", path);
	}
	if (!S_ISDIR(st.st_mode) ? unlink(path) == 0 : rmdir(path) == 0) {
		removal->removed++;
		return true;
	}
	if (S_ISDIR(st.st_mode) && recursive && errno != EBUSY) {
		return remove_tree(path, removal, err);
	}
	return errno == ENOTEMPTY ? file_refused(err, ERR_STATE, path,
					    "is a directory with files in it (ENOTEMPTY); pass "
					    "'recursive' to remove them, too")
				  : file_failed(err, "remove", path);
}

void tree_discard(const char *path)
{
	static const atomic_bool never;
	struct tree_removal removal = { .stop = &never };
	struct err ignored;
	(void)!tree_remove(path, true, &removal, &ignored);
}

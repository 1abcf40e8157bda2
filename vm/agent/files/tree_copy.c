/* Copies a file or a directory. */
#include "vm/agent/files/tree.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/open.h"
#include "vm/agent/files/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define LEVELS_MAX 100
#define BLOCK (1u << 20)
#define XATTR_VALUE_MAX 65536

struct copier {
	struct tree_copy *copy;
	struct buf from; /* the path of the current file, for errors */
	const char *to;
	struct stat root; /* of the copy, which may be inside of the original */
	bool has_root;
	uint8_t *block;
	struct err *err;
};

static bool fail_read(struct copier *c)
{
	return file_failed(c->err, "copy", buf_text(&c->from));
}

static bool fail_write(struct copier *c)
{
	return file_failed(c->err, "write the copy", c->to);
}

static bool go_on(struct copier *c)
{
	return !atomic_load(c->copy->stop) || err_set(c->err, ERR_CANCELLED, "cancelled");
}

/* ---- attributes ---- */

static void copy_xattrs(int from, int to)
{
	auto_free char *names = must(malloc(XATTR_LIST_MAX));
	auto_free char *value = must(malloc(XATTR_VALUE_MAX));
	ssize_t len = flistxattr(from, names, XATTR_LIST_MAX);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = fgetxattr(from, names + at, value, XATTR_VALUE_MAX);
		if (size >= 0) { /* those of the system may be refused */
			(void)!fsetxattr(to, names + at, value, (size_t)size, 0);
		}
	}
}

void tree_copy_attributes(int from, int to, const struct stat *st, bool times)
{
	const struct timespec then[] = { st->st_atim, st->st_mtim };
	copy_xattrs(from, to);
	if (fchown(to, st->st_uid, st->st_gid) < 0 && fchown(to, (uid_t)-1, st->st_gid) < 0) {
		(void)0; /* then it is ours */
	}
	/* A program that runs with its owner's rights must not run with ours. */
	mode_t special = st->st_uid == geteuid() ? 0 : 06000;
	(void)!fchmod(to, st->st_mode & 07777 & ~special);
	if (times) {
		(void)!futimens(to, then);
	}
}

/* ---- one file ---- */

static bool copy_bytes(struct copier *c, int from, int to, off_t size)
{
	off_t done = 0;
	while (go_on(c)) {
		/* Up to the size it had: it may grow for ever. */
		size_t want = size - done < BLOCK ? (size_t)(size - done) : BLOCK;
		ssize_t n = want ? read(from, c->block, want) : 0;
		if (n < 0) {
			return fail_read(c);
		}
		if (n == 0) {
			return true;
		}
		for (ssize_t at = 0; at < n;) {
			ssize_t written = write(to, c->block + at, (size_t)(n - at));
			if (written < 0) {
				return fail_write(c);
			}
			at += written;
		}
		done += n;
		c->copy->bytes += n;
	}
	return false;
}

static bool copy_regular(struct copier *c, int dir, const char *name, int to_dir, const char *to)
{
	struct stat st;
	auto_close int from =
		open_regular(dir, name, O_RDONLY | O_NOFOLLOW, buf_text(&c->from), &st, c->err);
	if (from < 0) {
		return false;
	}
	auto_close int fd = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		return fail_write(c);
	}
	if (!copy_bytes(c, from, fd, st.st_size ? st.st_size : BLOCK)) {
		return false;
	}
	tree_copy_attributes(from, fd, &st, true);
	return true;
}

static bool copy_link(struct copier *c, int dir, const char *name, int to_dir, const char *to)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return fail_read(c);
	}
	target[len] = '\0';
	if (symlinkat(target, to_dir, to) < 0) {
		return fail_write(c);
	}
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	(void)!fchownat(to_dir, to, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW);
	(void)!utimensat(to_dir, to, times, AT_SYMLINK_NOFOLLOW);
	return true;
}

static bool skip(struct copier *c, mode_t mode)
{
	struct err err;
	char why[120];
	if (c->copy->skipped++ == 0) {
		snprintf(why, sizeof(why), "is %s", open_type_word(mode));
		file_refused(&err, ERR_STATE, buf_text(&c->from), why);
		snprintf(c->copy->note, sizeof(c->copy->note), "%s", err.text);
	}
	return true;
}

/* ---- directories ---- */

static bool copy_any(
	struct copier *c, int dir, const char *name, int to_dir, const char *to, unsigned level);

static bool copy_entries(struct copier *c, int from, int to, unsigned level)
{
	int copy = fcntl(from, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	size_t len = c->from.len;
	bool ok = dir || fail_read(c);
	while (ok && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			buf_printf(&c->from, "/%s", name);
			ok = go_on(c) && copy_any(c, from, name, to, name, level);
			c->from.len = len;
		}
	}
	if (dir) {
		closedir(dir);
	} else if (copy >= 0) {
		close(copy);
	}
	buf_append(&c->from, "", 0);
	return ok;
}

static bool copy_directory(
	struct copier *c, int dir, const char *name, int to_dir, const char *to, unsigned level)
{
	struct stat st;
	if (level >= LEVELS_MAX) {
		return file_refused(c->err, ERR_LIMIT, buf_text(&c->from),
			"is more than 100 levels deep, too deep to be copied; use run_command with "
			"cp -a");
	}
	auto_close int from = open_directory(dir, name, false);
	if (from < 0 || fstat(from, &st) < 0) {
		return fail_read(c);
	}
	if (mkdirat(to_dir, to, 0700) < 0) {
		return fail_write(c);
	}
	auto_close int into = openat(to_dir, to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (into < 0) {
		return fail_write(c);
	}
	if (!c->has_root) {
		c->has_root = fstat(into, &c->root) == 0;
	}
	if (!copy_entries(c, from, into, level + 1)) {
		return false;
	}
	tree_copy_attributes(from, into, &st, true);
	return true;
}

static bool copy_any(
	struct copier *c, int dir, const char *name, int to_dir, const char *to, unsigned level)
{
	struct stat st;
	bool ok;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return (level && errno == ENOENT) || fail_read(c);
	}
	if (c->has_root && st.st_dev == c->root.st_dev && st.st_ino == c->root.st_ino) {
		return true; /* the copy itself */
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		ok = copy_regular(c, dir, name, to_dir, to);
		break;
	case S_IFDIR:
		ok = copy_directory(c, dir, name, to_dir, to, level);
		break;
	case S_IFLNK:
		ok = copy_link(c, dir, name, to_dir, to);
		break;
	case S_IFIFO:
		ok = mkfifoat(to_dir, to, st.st_mode & 0777) == 0 || fail_write(c);
		break;
	default:
		return skip(c, st.st_mode);
	}
	c->copy->files += ok;
	return ok;
}

bool tree_copy(const char *from, const char *to, struct tree_copy *copy, struct err *err)
{
	auto_free uint8_t *block = must(malloc(BLOCK));
	struct copier c = { .copy = copy, .to = to, .block = block, .err = err };
	buf_append(&c.from, from, strlen(from));
	bool ok = copy_any(&c, AT_FDCWD, from, AT_FDCWD, to, 0);
	buf_done(&c.from);
	return ok;
}

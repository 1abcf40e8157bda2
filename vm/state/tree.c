/*
 * Walks over directories with untrusted contents.  Each step is an openat() that follows no link,
 * so nothing outside is accessed, even if entries are renamed concurrently.
 */
#include "vm/state/tree.h"

#include "base/cleanup.h"
#include "base/id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 64 /* one descriptor each */

static void close_dir(DIR **dir)
{
	if (*dir) {
		closedir(*dir);
	}
}
#define auto_dir __attribute__((cleanup(close_dir)))

int tree_open(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* For readdir(); dir_fd keeps its position. */
static DIR *list(int dir_fd)
{
	int fd = tree_open(dir_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0) {
		close(fd);
	}
	return dir;
}

static const char *next(DIR *dir)
{
	struct dirent *entry;
	do {
		entry = readdir(dir);
	} while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry ? entry->d_name : NULL;
}

struct tree_name *tree_names(int dir_fd)
{
	struct tree_name *first = NULL;
	auto_dir DIR *dir = list(dir_fd);
	for (const char *text; dir && (text = next(dir));) {
		size_t size = strlen(text) + 1;
		struct tree_name *name = must(malloc(sizeof(*name) + size));
		memcpy(name->text, text, size);
		name->next = first;
		first = name;
	}
	return first;
}

struct tree_name *tree_next_name(struct tree_name *name)
{
	struct tree_name *next = name->next;
	free(name);
	return next;
}

/* ---- deleting ---- */

struct removal {
	int top; /* receives what is nested too deeply */
	dev_t device;
	const volatile bool *stop;
};

static bool remove_entry(const struct removal *how, int parent, const char *name, int depth);

/* Makes a directory without permissions accessible first. */
static int open_to_empty(int parent, const char *name)
{
	int fd = tree_open(parent, name);
	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW) == 0) {
		fd = tree_open(parent, name);
	}
	return fd;
}

static bool empty(const struct removal *how, int parent, const char *name, int depth)
{
	struct stat st;
	auto_close int fd = open_to_empty(parent, name);
	if (fd < 0 || fstat(fd, &st) < 0) {
		return errno == ENOENT;
	}
	if (st.st_dev != how->device) {
		errno = EXDEV;
		return false;
	}
	if ((st.st_mode & 0700) != 0700) {
		(void)!fchmod(fd, 0700);
	}
	auto_dir DIR *dir = list(fd);
	bool all = dir;
	int why = errno;
	for (const char *entry; dir && (entry = next(dir));) {
		if (how->stop && *how->stop) {
			errno = ECANCELED;
			return false;
		}
		if (!remove_entry(how, fd, entry, depth + 1)) {
			why = errno;
			all = false;
		}
	}
	errno = why;
	return all;
}

static bool remove_entry(const struct removal *how, int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
		return true;
	}
	if (errno != EISDIR && errno != EPERM) {
		return false;
	}
	if (depth >= DEPTH_MAX) {
		char id[ID_LEN + 1];
		id_make(id);
		return renameat(parent, name, how->top, id) == 0;
	}
	return empty(how, parent, name, depth) &&
	       (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

bool tree_remove(int dir_fd, const char *name, const volatile bool *stop)
{
	struct stat st;
	if (fstat(dir_fd, &st) < 0) {
		return false;
	}
	struct removal how = { dir_fd, st.st_dev, stop };
	return remove_entry(&how, dir_fd, name, 0);
}

/* ---- reading ---- */

static bool sync_below(int dir_fd, int depth);

static bool sync_entry(int parent, const char *name, int depth)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT;
	}
	bool is_dir = S_ISDIR(st.st_mode);
	if (!is_dir && !S_ISREG(st.st_mode)) {
		return true; /* sockets and links have no contents */
	}
	auto_close int fd =
		openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		return errno == ENOENT;
	}
	return is_dir ? sync_below(fd, depth + 1) : fsync(fd) == 0;
}

static bool sync_below(int dir_fd, int depth)
{
	auto_dir DIR *dir = list(dir_fd);
	if (!dir || depth >= DEPTH_MAX) {
		errno = dir ? ELOOP : errno;
		return false;
	}
	for (const char *entry; (entry = next(dir));) {
		if (!sync_entry(dir_fd, entry, depth)) {
			return false;
		}
	}
	return fsync(dir_fd) == 0;
}

bool tree_sync(int dir_fd)
{
	return sync_below(dir_fd, 0);
}

static int64_t bytes_below(int dir_fd, int depth)
{
	auto_dir DIR *dir = list(dir_fd);
	int64_t bytes = 0;
	struct stat st;
	for (const char *entry; dir && depth < DEPTH_MAX && (entry = next(dir));) {
		if (fstatat(dir_fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			continue;
		}
		bytes += (int64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode)) {
			auto_close int fd = tree_open(dir_fd, entry);
			bytes += fd < 0 ? 0 : bytes_below(fd, depth + 1);
		}
	}
	return bytes;
}

int64_t tree_bytes(int dir_fd)
{
	return bytes_below(dir_fd, 0);
}

#include "vm/agent/files/open.h"

#include "base/cleanup.h"
#include "vm/agent/files/failure.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/* A filter of system calls may refuse openat2(). */
static int open_plain(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
		fd = openat(dir, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	return fd;
}

const char *open_type_word(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO, whose contents exist only between two programs";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "a regular file";
	}
}

static bool check_type(mode_t mode, const char *shown, struct err *err)
{
	char why[160];
	snprintf(why, sizeof(why), "is %s; only regular files can be read and written%s",
		open_type_word(mode), S_ISDIR(mode) ? " (EISDIR)" : "");
	return S_ISREG(mode) || file_refused(err, ERR_ARGUMENT, shown, why);
}

/* Whether a component of a path in /proc is one of our threads. */
static bool names_us(const char *path)
{
	char task[64];
	while (*path) {
		size_t len = strcspn(path, "/");
		snprintf(task, sizeof(task), "/proc/self/task/%.*s", (int)len, path);
		if (len && len < 12 && isdigit((unsigned char)*path) && access(task, F_OK) == 0) {
			return true;
		}
		path += len + (path[len] == '/');
	}
	return false;
}

static bool check_owner(int fd, const char *shown, struct err *err)
{
	struct statfs fs;
	char link[40], path[PATH_MAX];
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
		return true;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	return (len > 0 && !names_us(path)) ||
	       file_refused(err, ERR_ARGUMENT, shown,
		       "belongs to the agent itself; use run_command to see that of a program");
}

int open_regular(int dir, const char *path, int flags, const char *shown, struct stat *ret_st,
	struct err *err)
{
	const char *verb = (flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
	int follow = flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
	if (fstatat(dir, path, ret_st, follow) < 0) {
		file_failed(err, verb, shown);
		return -1;
	}
	if (!check_type(ret_st->st_mode, shown, err)) { /* opening a device may have effects */
		return -1;
	}
	auto_close int fd = open_plain(dir, path, flags);
	if (fd < 0 || fstat(fd, ret_st) < 0) {
		file_failed(err, verb, shown);
		return -1;
	}
	if (!check_type(ret_st->st_mode, shown, err) || !check_owner(fd, shown, err)) {
		return -1;
	}
	return take_fd(&fd);
}

int open_directory(int dir, const char *name, bool follow)
{
	return open_plain(dir, name, O_RDONLY | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW));
}

bool open_is_pseudo(int fd)
{
	static const long kinds[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
		CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC, DEVPTS_SUPER_MAGIC,
		BPF_FS_MAGIC, EFIVARFS_MAGIC };
	struct statfs fs;
	for (size_t i = 0; fstatfs(fd, &fs) == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (fs.f_type == kinds[i]) {
			return true;
		}
	}
	return false;
}

/* Cgroups are files: a group is a directory, a limit is a file in it. */

#include "vm/confine/cgroup.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/id.h"
#include "vm/confine/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <systemd/sd-daemon.h>

#define MOUNT "/sys/fs/cgroup"
#define SERVER_LEAF "vitrine-server"
#define SERVER_WEIGHT "1000" /* of CPU time; a sandbox has the default, 100 */
#define CPU_PERIOD_US 100000

static bool read_text(int dir, const char *name, char *ret_text, size_t size)
{
	return file_read_text(dir, name, ret_text, size) >= 0;
}

static bool write_text(int dir, const char *name, const char *text)
{
	auto_close int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

char *cgroup_own_dir(struct err *err)
{
	char text[4096];
	auto_buf struct buf path = { 0 };
	if (access(MOUNT "/cgroup.controllers", R_OK) < 0) {
		err_set(err, ERR_UNSUPPORTED, "cgroup v2 is not mounted at " MOUNT);
		return NULL;
	}
	if (!read_text(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) ||
		strncmp(text, "0::/", 4) != 0) {
		err_set(err, ERR_UNSUPPORTED, "this process is not in a cgroup of cgroup v2");
		return NULL;
	}
	text[strcspn(text, "\n")] = '\0';
	buf_printf(&path, MOUNT "%s", text + 3);
	return (char *)take_ptr(&path.data);
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at += len) {
		if ((at == text || at[-1] == ' ') && strchr(" \n", at[len])) {
			return true;
		}
	}
	return false;
}

/* Without a CPU controller there is no CPU limit; everything else works. */
static void enable_cpu(int dir)
{
	char text[1024];
	if (read_text(dir, "cgroup.controllers", text, sizeof(text)) && has_word(text, "cpu") &&
		read_text(dir, "cgroup.subtree_control", text, sizeof(text)) &&
		!has_word(text, "cpu")) {
		(void)write_text(dir, "cgroup.subtree_control", "+cpu");
	}
}

/*
 * Memory comes first, because its controller refuses while the group has processes.  The CPU
 * controller does not refuse, and then no group below could contain a process.
 */
static bool enable(int dir)
{
	char text[1024];
	bool is_on = read_text(dir, "cgroup.subtree_control", text, sizeof(text)) &&
		     has_word(text, "memory") && has_word(text, "pids");
	if (!is_on && !write_text(dir, "cgroup.subtree_control", "+memory +pids")) {
		return false;
	}
	enable_cpu(dir);
	return true;
}

bool cgroup_prepare(const char *path, struct err *err)
{
	char text[1024];
	auto_close int dir = open_dir(path);
	if (dir < 0) {
		return err_errno(err, "cannot open the cgroup %s", path);
	}
	if (!read_text(dir, "cgroup.controllers", text, sizeof(text)) ||
		!has_word(text, "memory") || !has_word(text, "pids")) {
		return err_set(err, ERR_UNSUPPORTED,
			"the cgroup %s has no memory and pids controllers", path);
	}
	if (enable(dir)) {
		return true;
	}
	if (mkdirat(dir, SERVER_LEAF, 0755) < 0 && errno != EEXIST) {
		return err_errno(err, "the cgroup %s is not delegated to this process", path);
	}
	if (write_text(dir, SERVER_LEAF "/cgroup.procs", "0") && enable(dir)) {
		(void)write_text(dir, SERVER_LEAF "/cpu.weight", SERVER_WEIGHT);
		return true;
	}
	err_errno(err,
		"the cgroup %s contains other processes or is not delegated to this "
		"process",
		path);
	write_text(dir, "cgroup.procs", "0");
	unlinkat(dir, SERVER_LEAF, AT_REMOVEDIR);
	return false;
}

/* Only root can read the first; the system's manager sets the second since systemd 251. */
bool cgroup_is_delegated(const char *dir)
{
	static const char *const marks[] = { "trusted.delegate", "user.delegate" };
	for (size_t i = 0; i < 2; i++) {
		char value[2];
		if (getxattr(dir, marks[i], value, sizeof(value)) == 1 && value[0] == '1') {
			return true;
		}
	}
	return false;
}

/*
 * systemd disables controllers in groups that it did not delegate.  given: it has just delegated
 * one; a user's manager sets no mark (seen with 252).
 */
static char *prepared_own(bool given, struct err *err)
{
	auto_free char *own = cgroup_own_dir(err);
	if (own && !given && sd_booted() > 0 && !cgroup_is_delegated(own)) {
		err_set(err, ERR_UNSUPPORTED, "systemd manages the cgroup %s itself", own);
		return NULL;
	}
	return own && cgroup_prepare(own, err) ? take_ptr(&own) : NULL;
}

/* The group of this process, or one that systemd creates for it. */
static char *find_dir(struct err *err)
{
	struct err none;
	char *dir = prepared_own(false, err);
	auto_free char *own = dir ? NULL : cgroup_own_dir(&none);
	if (!own) {
		return dir;
	}
	struct err first = *err;
	if (!scope_enter(err)) {
		err_set(err, ERR_UNSUPPORTED, "%.200s; %.200s", first.text, err->text);
		return NULL;
	}
	return prepared_own(true, err);
}

const char *cgroup_delegated(struct err *err)
{
	static struct err why;
	static char *dir;
	static bool known;
	if (!known) {
		dir = find_dir(&why);
		known = true;
	}
	*err = why;
	return dir;
}

static bool set_limits(int leaf, const struct vm_limits *limits)
{
	char memory[32], pids[32];
	snprintf(memory, sizeof(memory), "%lld", (long long)limits->memory_mib << 20);
	snprintf(pids, sizeof(pids), "%lld", (long long)limits->processes);
	/* Without swap accounting the file does not exist.  A missing file sets no limit. */
	(void)write_text(leaf, "memory.swap.max", "0");
	if (limits->cpus > 0) {
		char cpu[64];
		snprintf(cpu, sizeof(cpu), "%lld %d", (long long)limits->cpus * CPU_PERIOD_US,
			CPU_PERIOD_US);
		(void)write_text(leaf, "cpu.max", cpu);
	}
	return write_text(leaf, "memory.max", memory) && write_text(leaf, "pids.max", pids);
}

bool cgroup_shares_cpu(const char *path)
{
	char text[1024];
	auto_close int dir = open_dir(path);
	return dir >= 0 && read_text(dir, "cgroup.subtree_control", text, sizeof(text)) &&
	       has_word(text, "cpu");
}

int cgroup_make(const char *path, const char *name, const struct vm_limits *limits, struct err *err)
{
	auto_close int dir = open_dir(path);
	/* An existing one of this name belongs to its previous VM, which has not ended completely. */
	if (dir < 0 || (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)) {
		err_errno(err, "cannot create the cgroup %s/%s", path, name);
		return -1;
	}
	auto_close int leaf = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf < 0 || !set_limits(leaf, limits)) {
		err_errno(err, "cannot set the limits of the cgroup %s/%s", path, name);
		unlinkat(dir, name, AT_REMOVEDIR);
		return -1;
	}
	return take_fd(&leaf);
}

bool cgroup_make_delegated(const char *name, const struct vm_limits *limits, int *ret_fd,
	char **ret_dir, struct err *err)
{
	struct err none;
	const char *dir = cgroup_delegated(&none);
	*ret_fd = dir ? cgroup_make(dir, name, limits, err) : -1;
	*ret_dir = *ret_fd >= 0 ? must(strdup(dir)) : NULL;
	return !dir || *ret_fd >= 0;
}

/* Of all sandboxes, including those of a killed server: a group with a process refuses. */
static void sweep(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	if (!list) {
		return;
	}
	for (struct dirent *entry; (entry = readdir(list));) {
		if (id_is_valid(entry->d_name)) {
			unlinkat(dir, entry->d_name, AT_REMOVEDIR);
		}
	}
	closedir(list);
}

void cgroup_remove(const char *path, const char *name)
{
	auto_close int dir = open_dir(path);
	auto_close int leaf = dir >= 0 ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (leaf >= 0) {
		write_text(leaf, "cgroup.kill", "1");
	}
	if (dir >= 0) {
		sweep(dir);
	}
}

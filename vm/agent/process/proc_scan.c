/* Finds processes in /proc: reads all of them once, then computes relations. */
#include "vm/agent/process/proc_scan.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 50 /* a tree that forks faster than this is stopped by the limit on processes */
#define ENVIRON_MAX (128u << 10)

struct proc {
	pid_t pid, parent, session;
	bool zombie, wanted;
};

static size_t read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	ssize_t len = file_read_text(AT_FDCWD, path, ret, size);
	return len > 0 ? (size_t)len : 0;
}

static bool read_stat(pid_t pid, struct proc *ret)
{
	char text[512], state;
	struct proc proc = { .pid = pid };
	read_proc(pid, "stat", text, sizeof(text));
	const char *behind_name = strrchr(text, ')'); /* the name may contain anything */
	if (!behind_name || sscanf(behind_name + 1, " %c %d %*d %d", &state, &proc.parent,
				    &proc.session) != 3) {
		return false;
	}
	proc.zombie = state == 'Z' || state == 'X';
	*ret = proc;
	return true;
}

/* A struct buf of struct proc. */
static struct buf read_all(void)
{
	struct buf all = { 0 };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct proc proc;
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid > 0 && read_stat(pid, &proc)) {
			buf_append(&all, &proc, sizeof(proc));
		}
	}
	if (dir) {
		closedir(dir);
	}
	return all;
}

bool proc_scan_is_marked(pid_t pid, const char *mark)
{
	static char text[ENVIRON_MAX];
	size_t len = read_proc(pid, "environ", text, sizeof(text));
	for (const char *at = text; at < text + len; at += strlen(at) + 1) {
		if (strncmp(at, mark, strlen(mark)) == 0) {
			return true;
		}
	}
	return false;
}

static struct proc *find(struct proc *all, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++) {
		if (all[i].pid == pid) {
			return &all[i];
		}
	}
	return NULL;
}

bool proc_scan_belongs(pid_t pid, pid_t root, const char *mark)
{
	struct proc proc = { .parent = pid };
	for (int up = 0; up < 64 && proc.parent > 1; up++) {
		if (proc.parent == root) {
			return true;
		}
		if (!read_stat(proc.parent, &proc)) {
			break;
		}
		if (proc.session == root) {
			return true;
		}
	}
	return proc_scan_is_marked(pid, mark);
}

/* Marks all descendants, independent of the order in /proc. */
static void spread(struct proc *all, size_t n)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < n; i++) {
			struct proc *parent = all[i].wanted ? NULL : find(all, n, all[i].parent);
			if (parent && parent->wanted) {
				all[i].wanted = more = true;
			}
		}
	}
}

static bool listed(const struct buf *pids, pid_t pid)
{
	const pid_t *all = (const pid_t *)pids->data;
	for (size_t i = 0; i < pids->len / sizeof(*all); i++) {
		if (all[i] == pid) {
			return true;
		}
	}
	return false;
}

/* read_all(), with everything that belongs to root marked as wanted. */
static struct buf read_family(pid_t root, const char *mark)
{
	struct buf found = read_all();
	struct proc *all = (struct proc *)found.data;
	size_t n = found.len / sizeof(*all);
	for (size_t i = 0; i < n; i++) {
		all[i].wanted = (root > 0 && (all[i].pid == root || all[i].session == root)) ||
				(!all[i].zombie && proc_scan_is_marked(all[i].pid, mark));
	}
	spread(all, n);
	for (size_t i = 0; i < n; i++) {
		all[i].wanted = all[i].wanted && !all[i].zombie && all[i].pid != getpid() &&
				all[i].pid != 1;
	}
	return found;
}

bool proc_scan_any(pid_t root, const char *mark)
{
	auto_buf struct buf found = read_family(root, mark);
	const struct proc *all = (const struct proc *)found.data;
	for (size_t i = 0; i < found.len / sizeof(*all); i++) {
		if (all[i].wanted) {
			return true;
		}
	}
	return false;
}

/* True if a further process was killed; killed is a list of pid_t. */
static bool kill_round(pid_t root, const char *mark, struct buf *killed)
{
	auto_buf struct buf found = read_family(root, mark);
	const struct proc *all = (const struct proc *)found.data;
	size_t before = killed->len;
	for (size_t i = 0; i < found.len / sizeof(*all); i++) {
		pid_t pid = all[i].pid;
		if (all[i].wanted && !listed(killed, pid) && kill(pid, SIGKILL) == 0) {
			buf_append(killed, &pid, sizeof(pid));
		}
	}
	return killed->len > before;
}

void proc_scan_kill_all(pid_t root, const char *mark)
{
	auto_buf struct buf killed = { 0 };
	for (int round = 0; round < ROUNDS && kill_round(root, mark, &killed); round++) {
	}
}

static int64_t ticks_of(pid_t pid)
{
	char text[512];
	long long user = 0, system = 0, waited_user = 0, waited_system = 0;
	read_proc(pid, "stat", text, sizeof(text));
	const char *behind_name = strrchr(text, ')');
	if (behind_name) {
		sscanf(behind_name + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &user,
			&system, &waited_user, &waited_system);
	}
	return user + system + waited_user + waited_system;
}

static int64_t own_pages_of(pid_t pid)
{
	char text[128];
	long long resident = 0, shared = 0;
	read_proc(pid, "statm", text, sizeof(text));
	sscanf(text, "%*d %lld %lld", &resident, &shared);
	return resident > shared ? resident - shared : 0;
}

void proc_scan_usage(int64_t *ret_cpu_ms, int64_t *ret_memory)
{
	auto_buf struct buf found = read_all();
	const struct proc *all = (const struct proc *)found.data;
	int64_t ticks = 0, pages = 0, a_second = sysconf(_SC_CLK_TCK);
	for (size_t i = 0; i < found.len / sizeof(*all); i++) {
		ticks += ticks_of(all[i].pid);
		pages += own_pages_of(all[i].pid);
	}
	*ret_cpu_ms = ticks * 1000 / (a_second > 0 ? a_second : 100);
	*ret_memory = pages * sysconf(_SC_PAGESIZE);
}

int proc_scan_count(void)
{
	auto_buf struct buf all = read_all();
	return (int)(all.len / sizeof(struct proc));
}

/*
 * The kernel assigns orphans to the main thread of a namespace's first process.  The agent's loop
 * therefore runs in a second thread: its children are not the main thread's, so every child that
 * the main thread finds with __WNOTHREAD is an orphan, and no list of pids is needed.  The main
 * thread also continues stopped services, because the loop may be waiting for the stopped X server.
 */
#include "vm/agent/init/reaper.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic pid_t kept[REAPER_KEPT];

static bool is_kept(pid_t pid)
{
	for (size_t i = 0; i < REAPER_KEPT; i++) {
		if (atomic_load(&kept[i]) == pid) {
			return true;
		}
	}
	return false;
}

/* A child of the loop before its exec.  Its link in /proc cannot be read if this process is not
 * dumpable either. */
static bool is_starting(pid_t pid)
{
	char path[32], own[PATH_MAX], its[PATH_MAX];
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	ssize_t own_len = readlink("/proc/self/exe", own, sizeof(own));
	ssize_t its_len = readlink(path, its, sizeof(its));
	return its_len < 0 || (its_len == own_len && memcmp(own, its, (size_t)own_len) == 0);
}

void reaper_keep_running(int slot, pid_t pid)
{
	atomic_store(&kept[slot], pid);
	if (pid > 0) {
		kill(pid, SIGCONT); /* it may have been stopped before it was known here */
	}
}

static pid_t next(int which)
{
	siginfo_t info = { .si_pid = 0 };
	return waitid(P_ALL, 0, &info, which | WNOHANG) == 0 ? info.si_pid : 0;
}

static void look(void)
{
	while (next(WEXITED | __WNOTHREAD) > 0) {
	}
	for (pid_t pid; (pid = next(WSTOPPED)) > 0;) {
		if (is_kept(pid) || is_starting(pid)) {
			kill(pid, SIGCONT);
		}
	}
}

struct job {
	int (*serve)(const void *data);
	const void *data;
};

static void *run(void *data)
{
	const struct job *job = data;
	exit(job->serve(job->data));
}

_Noreturn void reaper_run(int (*serve)(const void *data), const void *data)
{
	static struct job job;
	pthread_t thread;
	sigset_t ours, children;
	job = (struct job){ serve, data };
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	ours = children;
	sigaddset(&ours, SIGTERM); /* handled by the loop, in the other thread */
	sigaddset(&ours, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &ours, NULL) != 0 ||
		pthread_create(&thread, NULL, run, &job) != 0) {
		abort();
	}
	for (;;) {
		sigwaitinfo(&children, NULL);
		look();
	}
}

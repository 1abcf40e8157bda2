/*
 * The only place that forks.  The child prepares itself in a fixed order and then execs.  A failure
 * is reported through a pipe that a successful exec closes, so spawn_start() knows which step
 * failed.
 */
#include "base/spawn.h"

#include "base/cleanup.h"
#include "base/room.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum step {
	STEP_SIGNALS,
	STEP_CGROUP,
	STEP_LIMITS,
	STEP_FDS,
	STEP_TERMINAL,
	STEP_PROC,
	STEP_IPC,
	STEP_USER,
	STEP_ROOM,
	STEP_PARENT,
	STEP_CWD,
	STEP_EXEC
};

static const char *const step_words[] = {
	[STEP_SIGNALS] = "reset signals",
	[STEP_CGROUP] = "enter the cgroup",
	[STEP_LIMITS] = "set limits",
	[STEP_FDS] = "set up descriptors",
	[STEP_TERMINAL] = "set up the terminal of",
	[STEP_PROC] = "mount /proc",
	[STEP_IPC] = "limit System V memory for",
	[STEP_USER] = "change user",
	[STEP_ROOM] = "make namespaces and private memory for",
	[STEP_PARENT] = "tie the child to its parent",
	[STEP_CWD] = "enter",
	[STEP_EXEC] = "run",
};

struct report {
	enum step step;
	int sys;
};

/* ---- in the child: async-signal-safe calls only, false with errno ---- */

static bool reset_signals(const struct spawn *how)
{
	sigset_t none;
	for (int signo = 1; signo < NSIG; signo++) {
		signal(signo, SIG_DFL); /* fails for the few that cannot be changed */
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 && (!how->new_session || setsid() >= 0);
}

static bool enter_cgroup(const struct spawn *how)
{
	if (how->cgroup_fd <= 0) {
		return true;
	}
	auto_close int fd = openat(how->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "0", 1) == 1;
}

static bool set_limits(const struct spawn *how)
{
	for (size_t i = 0; i < how->n_limits; i++) {
		struct rlimit limit;
		if (getrlimit(how->limits[i].what, &limit) < 0) {
			return false;
		}
		/* Keep a stricter limit. */
		if (how->limits[i].max < limit.rlim_max) {
			limit.rlim_max = how->limits[i].max;
		}
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(how->limits[i].what, &limit) < 0) {
			return false;
		}
	}
	return true;
}

/* As root, so that nothing inside can undo it.  If /proc is not writable, it is skipped. */
static void set_oom_score(const struct spawn *how)
{
	auto_close int fd =
		how->oom_score_adj ? open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		ssize_t ignored = write(fd, how->oom_score_adj, strlen(how->oom_score_adj));
		(void)ignored;
	}
}

static bool null_at(int to)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd >= 0 && dup2(fd, to) == to && fcntl(to, F_SETFD, 0) == 0;
}

/*
 * Every source is first moved above all target numbers, so that none is overwritten early.
 * Descriptors are only marked close-on-exec, because the report pipe is needed until then.
 */
static bool set_up_fds(const struct spawn *how, int *report)
{
	int above = STDERR_FILENO + 1, moved[SPAWN_FDS_MAX];
	for (size_t i = 0; i < how->n_fds; i++) {
		above = how->fds[i].to >= above ? how->fds[i].to + 1 : above;
	}
	if ((*report = fcntl(*report, F_DUPFD_CLOEXEC, above)) < 0) {
		return false;
	}
	for (size_t i = 0; i < how->n_fds; i++) {
		if ((moved[i] = fcntl(how->fds[i].from, F_DUPFD_CLOEXEC, above)) < 0) {
			return false;
		}
	}
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (!null_at(fd)) {
			return false;
		}
	}
	if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
		return false;
	}
	for (size_t i = 0; i < how->n_fds; i++) {
		if (dup2(moved[i], how->fds[i].to) < 0) { /* the copy stays open across exec */
			return false;
		}
	}
	return true;
}

/* The child's mounts do not propagate to the parent's namespace. */
static bool mount_proc(const struct spawn *how)
{
	return !how->own_processes ||
	       (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		       mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0);
}

static bool change_user(const struct spawn *how)
{
	return (!how->uid || setgroups(0, NULL) == 0) && (!how->gid || setgid(how->gid) == 0) &&
	       (!how->uid || setuid(how->uid) == 0);
}

/* After the changes of user and user namespace, which clear it. */
static bool tie_to_parent(const struct spawn *how, pid_t parent)
{
	if (!how->die_with_us) {
		return true;
	}
	errno = ESRCH;
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static void run(const struct spawn *how)
{
	for (const char *const *e = how->env; e && *e; e++) {
		if (strncmp(*e, "PATH=", 5) == 0) {
			environ = (char **)how->env; /* execvpe searches this PATH */
		}
	}
	execvpe(how->argv[0], (char **)how->argv, how->env ? (char **)how->env : environ);
}

static enum step prepare(const struct spawn *how, pid_t parent, int *report)
{
	bool has_ipc;
	if (!reset_signals(how)) {
		return STEP_SIGNALS;
	}
	if (!enter_cgroup(how)) {
		return STEP_CGROUP;
	}
	if (!set_up_fds(how, report)) {
		return STEP_FDS;
	}
	if (how->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) {
		return STEP_TERMINAL;
	}
	/* After the mounts: until exec the child has all our descriptors open. */
	if (!set_limits(how)) {
		return STEP_LIMITS;
	}
	set_oom_score(how);
	if (!mount_proc(how)) {
		return STEP_PROC;
	}
	if (!room_enter_ipc(how->room, &has_ipc)) {
		return STEP_IPC;
	}
	if (!change_user(how)) {
		return STEP_USER;
	}
	if (!room_enter(how->room, has_ipc)) {
		return STEP_ROOM;
	}
	if (!tie_to_parent(how, parent)) {
		return STEP_PARENT;
	}
	if (how->cwd && chdir(how->cwd) < 0) {
		return STEP_CWD;
	}
	run(how);
	return STEP_EXEC;
}

static _Noreturn void be_the_child(const struct spawn *how, pid_t parent, int report)
{
	int fd = report;
	enum step step = prepare(how, parent, &fd);
	struct report out = { step, errno };
	ssize_t ignored = write(fd >= 0 ? fd : report, &out, sizeof(out));
	(void)ignored;
	_exit(127);
}

/* ---- in the parent ---- */

static bool await_exec(const struct spawn *how, pid_t pid, int report, struct err *err)
{
	struct report in;
	ssize_t n;
	do {
		n = read(report, &in, sizeof(in));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(in)) {
		return true; /* closed by exec */
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	errno = in.sys;
	return in.step == STEP_CWD
		       ? err_errno(err, "cannot enter '%s'", how->cwd)
		       : err_errno(err, "cannot %s '%s'", step_words[in.step], how->argv[0]);
}

static pid_t fork_it(const struct spawn *how)
{
	return how->own_processes ? (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD,
					    NULL, NULL, NULL, NULL)
				  : fork();
}

pid_t spawn_start(const struct spawn *how, struct err *err)
{
	int ends[2];
	if (how->n_fds > SPAWN_FDS_MAX) {
		err_set(err, ERR_LIMIT, "cannot pass more than %d descriptors", SPAWN_FDS_MAX);
		return -1;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		err_errno(err, "cannot create a pipe");
		return -1;
	}
	auto_close int in = ends[0], out = ends[1];
	pid_t us = getpid(), pid = fork_it(how);
	if (pid < 0 && errno == EAGAIN) {
		err_set(err, ERR_LIMIT,
			"the limit of processes is reached; end some of them, then try again"
			"again");
		return -1;
	}
	if (pid < 0) {
		err_errno(err, "cannot fork");
		return -1;
	}
	if (pid == 0) {
		be_the_child(how, us, out);
	}
	close(take_fd(&out));
	return await_exec(how, pid, in, err) ? pid : -1;
}

int spawn_wstatus(const siginfo_t *end)
{
	return end->si_code == CLD_EXITED ? end->si_status << 8 : end->si_status & 0x7f;
}

const char *spawn_describe_end(int wstatus)
{
	static char text[64];
	if (WIFSIGNALED(wstatus)) {
		const char *name = sigabbrev_np(WTERMSIG(wstatus));
		snprintf(text, sizeof(text), "was killed by %s%s", name ? "SIG" : "signal ",
			name ? name : "of an unknown kind");
	} else {
		snprintf(text, sizeof(text), "exited with status %d", WEXITSTATUS(wstatus));
	}
	return text;
}

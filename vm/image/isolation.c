/*
 * The isolation of a build.  Two processes are between the builder and the isolated program.  The
 * outer one enters the namespaces, where the builder, or newuidmap for an ordinary user, maps ids,
 * and makes everything except the work directory read-only.  The inner one is the first process of
 * the PID namespace.  When the builder ends for any reason, the inner one gets the end of a socket
 * and exits, and the kernel kills everything inside.
 */
#include "vm/image/isolation.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "vm/image/root.h"
#include "vm/image/subids.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LOCK_FD 18 /* inside: the work directory, opened there, so that nothing is above it */
#define FDS_END 64 /* above the numbers used inside */

/* ---- builder ---- */

static pid_t spawn_outer(const struct isolation *isolation, int life, struct err *err)
{
	size_t n = 0;
	struct spawn_fd fds[ISOLATION_FDS_MAX + 1] = { { life, ISOLATION_FD } };
	while (isolation->argv && isolation->argv[n]) {
		n++;
	}
	auto_free const char **argv = must(calloc(n + 4, sizeof(*argv)));
	argv[0] = isolation->program ? isolation->program : "/proc/self/exe";
	argv[1] = "image";
	argv[2] = "isolation";
	for (size_t i = 0; i < n; i++) {
		argv[3 + i] = isolation->argv[i];
	}
	for (size_t i = 0; i < isolation->n_fds; i++) {
		fds[1 + i] = (struct spawn_fd){ isolation->fds[i].from, isolation->fds[i].to };
	}
	return spawn_start(&(struct spawn){ .argv = argv,
				   .env = isolation->env,
				   .cwd = isolation->work,
				   .fds = fds,
				   .n_fds = isolation->n_fds + 1,
				   .new_session = true,
				   .die_with_us = true },
		err);
}

/* Waits until its namespaces exist, then maps its ids. */
static bool let_in(pid_t pid, int life, struct err *err)
{
	char byte;
	ssize_t n;
	do {
		n = read(life, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1) {
		return err_set(err, ERR_UNSUPPORTED,
			"namespaces cannot be created, which building an image requires; "
			"`vitrine doctor` shows how to allow them");
	}
	return subids_map(pid, err) &&
	       (send(life, "i", 1, MSG_NOSIGNAL) == 1 || err_errno(err, "the build has ended"));
}

bool isolation_start(
	const struct isolation *isolation, pid_t *ret_pid, int *ret_life, struct err *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		return err_errno(err, "cannot create a socket");
	}
	auto_close int ours = ends[0], theirs = ends[1];
	pid_t pid = spawn_outer(isolation, theirs, err);
	close(take_fd(&theirs));
	if (pid < 0) {
		return false;
	}
	if (!let_in(pid, ours, err)) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
		}
		return false;
	}
	*ret_pid = pid;
	*ret_life = take_fd(&ours);
	return true;
}

bool isolation_empty(const char *program, const char *work, struct err *err)
{
	pid_t pid;
	int status = 0;
	auto_close int life = -1;
	struct isolation isolation = { .program = program, .work = work };
	auto_close int errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	struct isolation_fd fds[] = { { errors, STDERR_FILENO } };
	isolation.fds = fds;
	isolation.n_fds = errors >= 0;
	if (!isolation_start(&isolation, &pid, &life, err)) {
		return false;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return status == 0 || err_set(err, ERR_HOST, "cannot empty '%s'", work);
}

/* ---- outer process ---- */

static int fail(const char *what)
{
	struct err err;
	err_errno(&err, "cannot %s", what);
	fprintf(stderr, "vitrine: failed: %s\n", err.text);
	return 1;
}

static bool become_root(void)
{
	return setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

/* Its mounts do not propagate: mounts of a new user namespace are not shared. */
static bool set_mounts(void)
{
	struct mount_attr closed = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_attr open_again = { .attr_clr = MOUNT_ATTR_RDONLY };
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(".", ISOLATION_TMP, NULL, MS_BIND, NULL) == 0 &&
	       mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &closed, sizeof(closed)) == 0 &&
	       mount_setattr(AT_FDCWD, ISOLATION_TMP, 0, &open_again, sizeof(open_again)) == 0 &&
	       chdir(ISOLATION_TMP) == 0;
}

/* All open descriptors under their own numbers: the builder passed no others.  Without ISOLATION_FD for
 * the isolated program. */
static size_t list_fds(struct spawn_fd fds[ISOLATION_FDS_MAX + 1], bool inside)
{
	size_t n = 0;
	for (int fd = 0; fd < FDS_END && n <= ISOLATION_FDS_MAX; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 && !(inside && fd == ISOLATION_FD)) {
			fds[n++] = (struct spawn_fd){ fd, fd };
		}
	}
	return n;
}

/* Death by a signal becomes a status, as in a shell. */
static int status_of(int wstatus)
{
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

static pid_t spawn_inner(
	char *const *argv, const struct spawn_fd *fds, size_t n_fds, struct err *err)
{
	size_t n = 0;
	while (argv[n]) {
		n++;
	}
	auto_free const char **arguments = must(calloc(n + 4, sizeof(*arguments)));
	arguments[0] = "/proc/self/exe";
	arguments[1] = "image";
	arguments[2] = "inside";
	memcpy(arguments + 3, argv, n * sizeof(*arguments));
	return spawn_start(&(struct spawn){ .argv = arguments, .fds = fds, .n_fds = n_fds }, err);
}

int isolation_outer(char *const *argv)
{
	char byte;
	int wstatus = 0;
	struct err err = { 0 };
	struct spawn_fd fds[ISOLATION_FDS_MAX + 1];
	size_t n_fds = list_fds(fds, false);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC) < 0) {
		return fail("make the build's namespaces");
	}
	if (send(ISOLATION_FD, "u", 1, MSG_NOSIGNAL) != 1 || read(ISOLATION_FD, &byte, 1) != 1) {
		return 1; /* the builder has ended */
	}
	if (!become_root() || !set_mounts()) {
		return fail("set up the build's namespaces");
	}
	pid_t pid = spawn_inner(argv, fds, n_fds, &err);
	if (pid < 0) {
		fprintf(stderr, "vitrine: failed: %s\n", err.text);
		return 1;
	}
	while (waitpid(pid, &wstatus, 0) < 0 && errno == EINTR) {
	}
	/* a leak check would need a process of the namespace, which has ended */
	_exit(status_of(wstatus));
}

/* ---- inner process ---- */

/* Returns when the child or the builder has ended.  Our exit, as the first process, kills
 * everything inside. */
static int await(pid_t child, int signals)
{
	for (;;) {
		int wstatus;
		pid_t pid;
		while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0) {
			if (pid == child) {
				return status_of(wstatus);
			}
		}
		struct pollfd fds[] = { { ISOLATION_FD, POLLIN, 0 }, { signals, POLLIN, 0 } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR) {
			_exit(1);
		}
		if (fds[0].revents) {
			_exit(1);
		}
		struct signalfd_siginfo info;
		if (fds[1].revents && read(signals, &info, sizeof(info)) < 0 && errno != EINTR) {
			_exit(1);
		}
	}
}

static int run_inside(char *const *argv, int work, struct err *err)
{
	sigset_t set;
	struct spawn_fd fds[ISOLATION_FDS_MAX + 2];
	size_t n_fds = list_fds(fds, true);
	fds[n_fds++] = (struct spawn_fd){ work, LOCK_FD };
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	auto_close int signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0) {
		err_errno(err, "cannot watch for the end of a program");
		return 1;
	}
	pid_t child = spawn_start(
		&(struct spawn){ .argv = (const char *const *)argv, .fds = fds, .n_fds = n_fds },
		err);
	return child < 0 ? 1 : await(child, signals);
}

/* Remaining processes could continue writing. */
static void end_all(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
	}
}

int isolation_inner(char *const *argv)
{
	struct err err = { 0 };
	/* If it is refused, this machine's /proc, which includes us, stays. */
	(void)!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	int work = open(ISOLATION_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work < 0 || flock(work, LOCK_SH) < 0) {
		return fail("lock " ISOLATION_TMP);
	}
	int status = argv[0] ? run_inside(argv, work, &err) : 0;
	end_all();
	if (err.kind || !root_empty(work, ".", &err)) {
		fprintf(stderr, "vitrine: failed: %s\n", err.text);
		return status ? status : 1;
	}
	return status;
}

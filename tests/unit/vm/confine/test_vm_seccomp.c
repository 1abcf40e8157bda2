// USES vm
/* The system-call filters, each tried in a process of its own. */

#include "vm/confine/seccomp.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool load(int fd)
{
	struct sock_filter code[4096];
	ssize_t n = read(fd, code, sizeof(code));
	struct sock_fprog program = { (unsigned short)((size_t)n / sizeof(code[0])), code };
	return n > 0 && (size_t)n < sizeof(code) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

struct attempt {
	const char *what;
	long nr, args[3];
	int machine, programs; /* errno; 0: it works */
	int uncounted;         /* 0: as programs */
};

/* Those that are let through fail for another reason, or do no harm. */
static const struct attempt attempts[] = {
	{ "bpf", SYS_bpf, { -1 }, EPERM, EPERM },
	{ "keyctl", SYS_keyctl, { 0 }, EPERM, EPERM },
	{ "add_key", SYS_add_key, { 0 }, EPERM, EPERM },
	{ "userfaultfd", SYS_userfaultfd, { 1 }, EPERM, EPERM },
	{ "perf_event_open", SYS_perf_event_open, { 0 }, EPERM, EPERM },
	{ "io_uring_setup", SYS_io_uring_setup, { 1 }, EPERM, EPERM },
	{ "ptrace", SYS_ptrace, { 0 }, EPERM, EPERM },
	{ "process_vm_readv", SYS_process_vm_readv, { 1 }, EPERM, EPERM },
	{ "pidfd_getfd", SYS_pidfd_getfd, { -1 }, EPERM, EPERM },
	{ "fanotify_init", SYS_fanotify_init, { 0 }, EPERM, EPERM },
	{ "open_tree", SYS_open_tree, { -1 }, EPERM, EPERM },
	{ "fsopen", SYS_fsopen, { 0 }, EPERM, EPERM },
	{ "init_module", SYS_init_module, { 0 }, EPERM, EPERM },
	{ "mount", SYS_mount, { 0 }, EPERM, EPERM },
	{ "unshare", SYS_unshare, { CLONE_NEWUSER }, EPERM, EPERM },
	{ "a packet socket", SYS_socket, { AF_PACKET, SOCK_RAW, 0 }, EAFNOSUPPORT, EAFNOSUPPORT },
	{ "a vsock socket", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 }, EAFNOSUPPORT, EAFNOSUPPORT },
	{ "an alg socket", SYS_socket, { AF_ALG, SOCK_SEQPACKET, 0 }, EAFNOSUPPORT, EAFNOSUPPORT },
	{ "an inet socket", SYS_socket, { AF_INET, SOCK_STREAM, 0 }, EAFNOSUPPORT, 0 },
	{ "a netlink socket", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, EAFNOSUPPORT, 0 },
	{ "a unix socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, 0, 0 },
	{ "inotify_init1", SYS_inotify_init1, { 0 }, ENOSYS, 0 },
	{ "shmget", SYS_shmget, { 0, 4096, 0600 }, ENOSYS, 0 },
	{ "memfd_create", SYS_memfd_create, { (long)"x", 0 }, 0, 0, ENOSYS },
	{ "memfd_secret", SYS_memfd_secret, { 0 }, ENOSYS, ENOSYS },
	{ "msgget", SYS_msgget, { 0, 0600 }, ENOSYS, 0 },
	{ "fork", SYS_fork, { 0 }, ENOSYS, 0 },
	{ "clone of a process", SYS_clone, { SIGCHLD }, EPERM, 0 },
	{ "clone3", SYS_clone3, { 0 }, ENOSYS, ENOSYS },
	{ "eventfd2", SYS_eventfd2, { 0, 0 }, 0, 0 },
	{ "a call of the future", 600, { 0 }, ENOSYS, ENOSYS },
};
#define N_ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static int expected(const struct attempt *a, enum seccomp_for whom)
{
	if (whom == SECCOMP_FOR_MACHINE) {
		return a->machine;
	}
	return whom == SECCOMP_FOR_UNCOUNTED && a->uncounted ? a->uncounted : a->programs;
}

/* Returns the number of the first that answers otherwise, or N_ATTEMPTS; in the child. */
static size_t try_all(enum seccomp_for whom)
{
	for (size_t i = 0; i < N_ATTEMPTS; i++) {
		const struct attempt *a = &attempts[i];
		pid_t us = getpid();
		errno = 0;
		long r = syscall(a->nr, a->args[0], a->args[1], a->args[2], 0, 0, 0);
		if (getpid() != us) {
			_exit(0);
		}
		if ((r < 0 ? errno : 0) != expected(a, whom)) {
			return i;
		}
	}
	return N_ATTEMPTS;
}

static void expect_answers(enum seccomp_for whom)
{
	int fds[SECCOMP_FILTERS], status;
	struct err err;
	cr_assert(seccomp_export(whom, fds, &err), "%s", err.text);
	pid_t pid = fork();
	if (pid == 0) {
		bool loaded = load(fds[SECCOMP_NAMES]) && load(fds[SECCOMP_ARGUMENTS]);
		_exit(loaded ? (int)try_all(whom) : 255);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "killed by %d", WTERMSIG(status));
	size_t first = (size_t)WEXITSTATUS(status);
	cr_assert_neq(first, 255, "the filters cannot be loaded");
	cr_assert_eq(first, N_ATTEMPTS, "%s", attempts[first % N_ATTEMPTS].what);
	close(fds[SECCOMP_NAMES]);
	close(fds[SECCOMP_ARGUMENTS]);
}

Test(seccomp, of_programs)
{
	expect_answers(SECCOMP_FOR_PROGRAMS);
}

Test(seccomp, of_programs_that_no_group_counts)
{
	expect_answers(SECCOMP_FOR_UNCOUNTED);
}

Test(seccomp, of_a_machine_is_stricter)
{
	expect_answers(SECCOMP_FOR_MACHINE);
}

/*
 * The system-call filters of the namespace backend, of vitrine-net and of QEMU.
 *
 * The filter of names allows what desktop programs and browsers need.  It returns EPERM for calls
 * that a program may legitimately try, and ENOSYS for all others, so that programs fall back as on
 * an older kernel.  The filter of arguments checks the few calls whose name is not sufficient.
 * With two filters, a comparison can be written as "deny this", on the 32 bits that the kernel
 * uses.
 */

#include "vm/confine/seccomp.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define FOR(whom) (1u << (whom))
#define NOT_IN_MACHINES FOR(SECCOMP_FOR_MACHINE)

struct group {
	const char *why;
	const char *names[128]; /* NULL-terminated */
	unsigned not_for;       /* FOR(enum seccomp_for): for whom it is not allowed */
};

/* A name that is unknown to this architecture or libseccomp is skipped. */
static const struct group allowed[] = {
	{ "reading and writing files; what may be touched is decided by mounts and modes",
		{ "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev",
			"preadv2", "pwritev2", "open", "openat", "openat2", "creat", "close",
			"close_range", "lseek", "stat", "fstat", "lstat", "newfstatat", "statx",
			"access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents",
			"getdents64", "getcwd", "chdir", "fchdir", "mkdir", "mkdirat", "rmdir",
			"unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat",
			"symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown",
			"fchown", "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat",
			"truncate", "ftruncate", "fallocate", "sync", "fsync", "fdatasync",
			"syncfs", "sync_file_range", "flock", "fcntl", "dup", "dup2", "dup3",
			"pipe", "pipe2", "umask", "statfs", "fstatfs", "sendfile",
			"copy_file_range", "splice", "tee", "readahead", "fadvise64", "ioctl",
			"mknod", "mknodat" } },
	{ "extended attributes, which file managers copy",
		{ "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
			"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
			"fremovexattr" },
		NOT_IN_MACHINES },
	{ "watching files: every GTK program does",
		{ "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch" },
		NOT_IN_MACHINES },
	{ "memory of one's own, and what is shared with the X server",
		{ "mmap", "munmap", "mremap", "mprotect", "brk", "madvise", "mincore", "mlock",
			"mlock2", "munlock", "mlockall", "munlockall", "msync", "membarrier",
			"pkey_alloc", "pkey_free", "pkey_mprotect", "mbind", "get_mempolicy",
			"set_mempolicy" } },
	{ "memory files, which only a control group counts; programs fall back to /dev/shm",
		{ "memfd_create" }, FOR(SECCOMP_FOR_UNCOUNTED) },
	{ "System V memory, which the X server shares with programs",
		{ "shmget", "shmat", "shmctl", "shmdt" }, NOT_IN_MACHINES },
	{ "System V queues and semaphores, in the sandbox's own IPC namespace",
		{ "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv",
			"msgctl" },
		NOT_IN_MACHINES },
	{ "other processes than the one there is", { "fork", "vfork", "execveat" },
		NOT_IN_MACHINES },
	{ "processes and threads of the sandbox's own PID namespace; clone's flags are looked at "
	  "below",
		{ "clone", "execve", "exit", "exit_group", "wait4", "waitid", "kill", "tkill",
			"tgkill", "getpid", "getppid", "gettid", "getpgid", "getpgrp", "setpgid",
			"getsid", "setsid", "set_tid_address", "set_robust_list", "get_robust_list",
			"rseq", "prctl", "arch_prctl", "pidfd_open", "pidfd_send_signal", "futex",
			"futex_waitv", "personality", "uname", "sysinfo", "getcpu", "times",
			"getrusage" } },
	{ "scheduling and limits of one's own",
		{ "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
			"sched_setparam", "sched_getscheduler", "sched_setscheduler",
			"sched_getattr", "sched_setattr", "sched_get_priority_max",
			"sched_get_priority_min", "sched_rr_get_interval", "getpriority",
			"setpriority", "ioprio_get", "ioprio_set", "getrlimit", "setrlimit",
			"prlimit64" } },
	{ "identity: there is one user and no capability, so these change nothing",
		{ "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid",
			"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
			"setgroups", "setfsuid", "setfsgid", "capget", "capset" } },
	{ "signals",
		{ "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait",
			"rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend", "rt_sigreturn",
			"sigaltstack", "pause", "restart_syscall", "signalfd", "signalfd4" } },
	{ "time, read and waited for",
		{ "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday",
			"time", "alarm", "getitimer", "setitimer", "timer_create", "timer_settime",
			"timer_gettime", "timer_getoverrun", "timer_delete", "timerfd_create",
			"timerfd_settime", "timerfd_gettime" } },
	{ "waiting for descriptors",
		{ "select", "pselect6", "poll", "ppoll", "epoll_create", "epoll_create1",
			"epoll_ctl", "epoll_ctl_old", "epoll_wait", "epoll_pwait", "epoll_pwait2",
			"eventfd", "eventfd2" } },
	{ "sockets; their families are looked at below",
		{ "socket", "socketpair", "bind", "listen", "accept", "accept4", "connect",
			"getsockname", "getpeername", "sendto", "recvfrom", "sendmsg", "recvmsg",
			"sendmmsg", "recvmmsg", "setsockopt", "getsockopt", "shutdown" } },
	{ "what sandboxes of browsers restrict themselves with: never more rights, only fewer",
		{ "seccomp", "landlock_create_ruleset", "landlock_add_rule",
			"landlock_restrict_self" } },
	{ "random numbers", { "getrandom" } },
};

static const struct group denied[] = {
	{ "mounting would rearrange what the sandbox sees",
		{ "mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount",
			"fsconfig", "fspick", "mount_setattr", "pivot_root", "chroot" } },
	{ "new namespaces open much of the kernel to an ordinary user", { "unshare", "setns" } },
	{ "looking into other processes", { "ptrace", "process_vm_readv", "process_vm_writev",
						  "process_madvise", "kcmp", "pidfd_getfd" } },
	{ "parts of the kernel with a history of holes that no desktop program needs",
		{ "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key",
			"open_by_handle_at", "fanotify_init", "io_uring_setup", "io_uring_enter",
			"io_uring_register" } },
	{ "the machine itself",
		{ "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
			"create_module", "reboot", "swapon", "swapoff", "acct", "quotactl",
			"quotactl_fd", "iopl", "ioperm", "settimeofday", "clock_settime",
			"clock_adjtime", "adjtimex", "stime", "sethostname", "setdomainname",
			"syslog", "vhangup", "nfsservctl", "lookup_dcookie" } },
};

struct argument_rule {
	const char *why;
	const char *name;
	int answer;
	struct scmp_arg_cmp compare[2];
	unsigned n;
	bool machines_only;
};

#define LOW32 0xffffffffu
#define FLAG(flag) \
	{ \
		SCMP_A0_32(SCMP_CMP_MASKED_EQ, flag, flag) \
	}
#define NO_NAMESPACE(flag) \
	{ \
		"a namespace by another way", "clone", EPERM, FLAG(flag), 1 \
	}
#define NO_FAMILY(family) \
	{ \
		"another socket family", "socket", EAFNOSUPPORT, \
			{ SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW32, family) }, 1 \
	}

/* Calls denied because of an argument.  clone3's flags are in memory, which a filter cannot read:
 * it stays ENOSYS, and libc uses clone. */
static const struct argument_rule argument_rules[] = {
	NO_NAMESPACE(CLONE_NEWNS),
	NO_NAMESPACE(CLONE_NEWCGROUP),
	NO_NAMESPACE(CLONE_NEWUTS),
	NO_NAMESPACE(CLONE_NEWIPC),
	NO_NAMESPACE(CLONE_NEWUSER),
	NO_NAMESPACE(CLONE_NEWPID),
	NO_NAMESPACE(CLONE_NEWNET),
	{ "typing into a terminal that is not one's own", "ioctl", EPERM,
		{ SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, TIOCSTI) }, 1 },
	{ "the same on a console", "ioctl", EPERM,
		{ SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, TIOCLINUX) }, 1 },
	/* Only unix, inet, inet6 and netlink are left; the code of the others is not needed here. */
	NO_FAMILY(0),
	NO_FAMILY(3),
	NO_FAMILY(4),
	NO_FAMILY(5),
	NO_FAMILY(6),
	NO_FAMILY(7),
	NO_FAMILY(8),
	NO_FAMILY(9),
	NO_FAMILY(11),
	NO_FAMILY(12),
	NO_FAMILY(13),
	NO_FAMILY(14),
	NO_FAMILY(15),
	{ "another socket family", "socket", EAFNOSUPPORT, { SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK) },
		1 },
	{ "a machine's sockets are all unix ones", "socket", EAFNOSUPPORT,
		{ SCMP_A0_64(SCMP_CMP_NE, AF_UNIX) }, 1, true },
	{ "QEMU runs threads, and no other process", "clone", EPERM,
		{ SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0) }, 1, true },
	{ "of netlink only routing, which lists addresses", "socket", EAFNOSUPPORT,
		{ SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW32, AF_NETLINK), SCMP_A2_64(SCMP_CMP_NE, 0) },
		2 },
};

static bool fail(int r, const char *what, struct err *err)
{
	errno = -r;
	return err_errno(err, "cannot build the system-call filter: %s", what);
}

static bool add_groups(scmp_filter_ctx filter, enum seccomp_for whom, uint32_t action,
	const struct group *groups, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (groups[i].not_for & FOR(whom)) {
			continue;
		}
		for (const char *const *name = groups[i].names; *name; name++) {
			int nr = seccomp_syscall_resolve_name(*name);
			int r = nr >= 0 ? seccomp_rule_add(filter, action, nr, 0) : 0;
			if (r < 0) {
				return fail(r, *name, err);
			}
		}
	}
	return true;
}

static bool add_names(scmp_filter_ctx filter, enum seccomp_for whom, struct err *err)
{
	return add_groups(filter, whom, SCMP_ACT_ALLOW, allowed,
		       sizeof(allowed) / sizeof(allowed[0]), err) &&
	       add_groups(filter, whom, SCMP_ACT_ERRNO(EPERM), denied,
		       sizeof(denied) / sizeof(denied[0]), err);
}

static bool add_arguments(scmp_filter_ctx filter, enum seccomp_for whom, struct err *err)
{
	for (size_t i = 0; i < sizeof(argument_rules) / sizeof(argument_rules[0]); i++) {
		const struct argument_rule *rule = &argument_rules[i];
		if (rule->machines_only && whom != SECCOMP_FOR_MACHINE) {
			continue;
		}
		int nr = seccomp_syscall_resolve_name(rule->name);
		int r = seccomp_rule_add_array(
			filter, SCMP_ACT_ERRNO((unsigned)rule->answer), nr, rule->n, rule->compare);
		if (r < 0) {
			return fail(r, rule->why, err);
		}
	}
	return true;
}

/* Calls of other architectures (32-bit, x32) kill the process, because their numbers differ. */
typedef bool add_fn(scmp_filter_ctx filter, enum seccomp_for whom, struct err *err);

static bool export_one(
	uint32_t default_action, add_fn *add, enum seccomp_for whom, int *ret_fd, struct err *err)
{
	scmp_filter_ctx filter = must(seccomp_init(default_action));
	bool ok = false;
	auto_close int fd = memfd_create("seccomp", MFD_CLOEXEC);
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (fd < 0) {
		err_errno(err, "cannot create a memory file");
	} else if (add(filter, whom, err)) {
		int r = seccomp_export_bpf(filter, fd);
		ok = r == 0 || fail(r, "export", err);
	}
	seccomp_release(filter);
	if (!ok || lseek(fd, 0, SEEK_SET) < 0) {
		return ok ? err_errno(err, "cannot rewind a memory file") : false;
	}
	*ret_fd = take_fd(&fd);
	return true;
}

bool seccomp_export(enum seccomp_for whom, int ret_fds[SECCOMP_FILTERS], struct err *err)
{
	auto_close int names = -1, arguments = -1;
	if (!export_one(SCMP_ACT_ERRNO(ENOSYS), add_names, whom, &names, err) ||
		!export_one(SCMP_ACT_ALLOW, add_arguments, whom, &arguments, err)) {
		return false;
	}
	ret_fds[SECCOMP_NAMES] = take_fd(&names);
	ret_fds[SECCOMP_ARGUMENTS] = take_fd(&arguments);
	return true;
}

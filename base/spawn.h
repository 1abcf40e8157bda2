#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/err.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn_fd {
	int from, to; /* our descriptor, and its number in the child */
};

#define SPAWN_FDS_MAX 32

struct spawn_limit {
	int what; /* RLIMIT_* */
	uint64_t max;
};

/* The only place that forks.  The child gets exactly the descriptors in fds[]; 0, 1 and 2 are
 * /dev/null unless listed. */
struct spawn {
	const char *const
		*argv; /* NULL-terminated; argv[0] is searched in PATH of the child's environment */
	const char *const *env; /* NULL-terminated "K=V"; NULL: inherited */
	const char *cwd;        /* NULL: inherited */
	const struct spawn_fd *fds;
	size_t n_fds;     /* at most SPAWN_FDS_MAX */
	bool new_session; /* setsid: a new process group without a terminal */
	bool terminal;    /* its stdin, a terminal, controls the new session */
	bool die_with_us; /* SIGKILL when this process ends */
	uid_t uid;        /* 0: unchanged.  Supplementary groups are cleared if set. */
	gid_t gid;
	const struct spawn_limit *limits; /* soft and hard */
	size_t n_limits;
	/* "1" to "1000": how much earlier than others the kernel kills it when memory runs out;
	 * NULL: inherited */
	const char *oom_score_adj;
	int cgroup_fd; /* an open cgroup v2 directory to enter first; 0 or -1: none */
	/* The child is the first process of a PID namespace with its own /proc, so signals from
	 * inside cannot kill it.  Requires CAP_SYS_ADMIN, and excludes die_with_us. */
	bool own_processes;
	/* Private bounded memory (base/room.h); NULL: none.  The child is root of a user namespace
	 * then, in which `uid`, or our user, is the only one. */
	const struct room *room;
};

/* Resets and unblocks signals in the child.  Returns an error if exec fails. */
pid_t spawn_start(const struct spawn *how, struct err *err) NODISCARD; /* -1 on failure */

/* What sd-event reports of a child's end, as a wait status of waitpid(). */
int spawn_wstatus(const siginfo_t *end);

/* "exited with status 3", "was killed by SIGKILL", for messages.  Valid until the next call. */
const char *spawn_describe_end(int wstatus);

#endif

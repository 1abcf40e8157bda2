#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn_fd {
	int from, to; /* a descriptor of ours, and its number in the child */
};

#define SPAWN_FDS_MAX 32

struct spawn_limit {
	int what; /* RLIMIT_* */
	uint64_t max;
};

/* The only place that forks.  The child gets exactly fds[]; 0, 1 and 2 are /dev/null unless listed.
 */
struct spawn {
	const char *const
		*argv; /* NULL-ended; argv[0] is searched in PATH (the child's env's, else ours) */
	const char *const *env; /* NULL-ended "K=V"; NULL: ours */
	const char *cwd;        /* NULL: ours */
	const struct spawn_fd *fds;
	size_t n_fds;     /* at most SPAWN_FDS_MAX */
	bool new_session; /* setsid: a group of its own, no terminal */
	bool die_with_us; /* SIGKILL when this process ends */
	uid_t uid;        /* 0: keep ours.  Groups are cleared when set. */
	gid_t gid;
	const struct spawn_limit *limits; /* soft and hard */
	size_t n_limits;
	const char *oom_score_adj; /* "1" to "1000": how much sooner than others the kernel ends it
				      when memory runs out; NULL: as we */
	int cgroup_fd;             /* an open cgroup v2 directory to enter first; 0 or -1: none */
	/* It becomes the first process of a PID namespace, with a /proc of that, so signals from
	 * inside cannot kill it.  Needs CAP_SYS_ADMIN, and excludes die_with_us. */
	bool own_processes;
	/* Bounded memory of its own (base/room.h), NULL: none.  It is root of a user namespace
	 * then, in which `uid`, else our user, is the only one. */
	const struct room *room;
};

/* Signals are reset to their defaults and unblocked.  Fails here, not in the child, when exec
 * fails. */
pid_t spawn_start(const struct spawn *how, struct err *err) NODISCARD; /* -1 on failure */

/* "exited with status 3", "was killed by SIGKILL": for messages.  Valid until the next call. */
const char *spawn_describe_end(int wstatus);

#endif

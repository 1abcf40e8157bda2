#ifndef VM_IMAGE_ISOLATION_H
#define VM_IMAGE_ISOLATION_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Isolation for all steps that access an untrusted tree.  Inside there are
 *   ids that own nothing on this machine (a user namespace, for root, too),
 *   this machine's files, read-only except for one directory, /tmp (a mount namespace), and
 *   only the processes of this build, which end with its creator (a PID namespace).
 */

#define ISOLATION_TMP "/tmp"
#define ISOLATION_FD 19 /* inside: closed by the creator's end */
#define ISOLATION_FDS_MAX 24

struct isolation_fd {
	int from, to; /* our descriptor, and its number inside */
};

struct isolation {
	const char *program; /* vitrine; NULL: this program */
	const char *work;    /* the directory that is /tmp inside, mode 0777, in a private one */
	const char *const *argv; /* the isolated program, NULL-terminated; NULL: none */
	const char *const *env;  /* NULL-terminated "K=V"; NULL: inherited */
	const struct isolation_fd *fds;
	size_t n_fds;
};

/* Starts argv and, after its end, empties `work`, on which all processes inside hold a shared
 * flock(). *ret_pid ends with the status of argv; *ret_life must be kept open: closing it kills
 * everything inside. */
bool isolation_start(const struct isolation *isolation, pid_t *ret_pid, int *ret_life,
	struct err *err) NODISCARD;
/* Empties the directory of a build that was killed.  Waits for it. */
bool isolation_empty(const char *program, const char *work, struct err *err) NODISCARD;

/* The two processes of isolation_start(): `vitrine image isolation ARGV`, in the work directory, and
 * `vitrine image inside ARGV`.  Return the exit status. */
int isolation_outer(char *const *argv);
int isolation_inner(char *const *argv);

#endif

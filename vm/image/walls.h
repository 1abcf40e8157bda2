#ifndef VM_IMAGE_WALLS_H
#define VM_IMAGE_WALLS_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Where everything happens that touches a tree written by others.  Inside there are
 *   ids that own nothing on this machine (a user namespace, for root too),
 *   this machine's files read-only, but for one directory, which is /tmp (a mount namespace), and
 *   only the processes of this build, which end with their maker (a PID namespace).
 */

#define WALLS_TMP "/tmp"
#define WALLS_FD 19 /* inside: the maker's end of it closes when the maker ends */
#define WALLS_FDS_MAX 24

struct walls_fd {
	int from, to; /* a descriptor of ours, and its number inside */
};

struct walls {
	const char *program; /* vitrine; NULL: this program */
	const char *work;    /* the directory that is /tmp inside, mode 0777, in a private one */
	const char *const *argv; /* what runs inside, NULL-ended; NULL: nothing */
	const char *const *env;  /* NULL-ended "K=V"; NULL: ours */
	const struct walls_fd *fds;
	size_t n_fds;
};

/* Starts argv, and behind its end empties `work`, on which all inside holds a shared flock().
 * *ret_pid ends with the status of argv; *ret_life is to be kept: all inside is killed when it is
 * closed. */
bool walls_start(
	const struct walls *walls, pid_t *ret_pid, int *ret_life, struct err *err) NODISCARD;
/* Empties what a build that was killed has left.  Waits for it. */
bool walls_empty(const char *program, const char *work, struct err *err) NODISCARD;

/* Whether this user can have them, and what to do about it. */
bool walls_check(struct err *err) NODISCARD;

/* The two processes behind walls_start(): `vitrine image walls ARGV`, in the work directory, and
 * `vitrine image inside ARGV`.  Return the exit status. */
int walls_outer(char *const *argv);
int walls_inner(char *const *argv);

#endif

#ifndef VM_STATE_STATE_IMPL_H
#define VM_STATE_STATE_IMPL_H

#include "vm/state/state.h"

/* Shared by state.c, the directory, and entries.c, what is in it. */

struct state {
	char *dir;
	int fds[STATE_KINDS], trash_fd;
	struct trash *trash;
};

/* flock() of the directory `name` in parent; -1 with errno: EWOULDBLOCK if it is locked, ENOENT. */
int state_lock_at(int parent, const char *name, int how);
/* Moves it into the trash; false with errno. */
bool state_throw_away(struct state *state, int parent, const char *name);

#endif

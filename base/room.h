#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Bounded memory that a child has for itself: file systems in memory, and an IPC namespace with
 * limits of its own.  Both lie in namespaces around what the child runs, so that nothing in there
 * can change them.  For base/spawn.c, between fork and exec: async-signal-safe calls only, false
 * with errno.
 */

struct room_item {
	const char *path, *value;
};

struct room {
	const char *dir; /* where mounts[] go: a directory that is there; hidden from the child */
	/* tmpfs each: the directory, which is made, and the mount options. */
	const struct room_item *mounts;
	size_t n_mounts;
	/* Files of /proc/sys that belong to the IPC namespace. */
	const struct room_item *settings;
	size_t n_settings;
};

/* While the child is still who started it: root's IPC namespace can be set on every kernel.
 * ret_done: whether it has one now.  NULL is an empty room here and below. */
bool room_enter_ipc(const struct room *room, bool *ret_done);

/* As the user the child stays; it is uid and gid 0 of a user namespace afterwards. */
bool room_enter(const struct room *room, bool has_ipc);

#endif

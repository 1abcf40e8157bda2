#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Private, bounded memory of a child: file systems in memory, and an IPC namespace with limits.
 * Both are in namespaces around the child, so nothing inside can change them.  Used by base/spawn.c
 * between fork and exec: async-signal-safe calls only; false with errno set.
 */

struct room_item {
	const char *path, *value;
};

struct room {
	const char *dir; /* for mounts[]: an existing directory, hidden from the child */
	/* One tmpfs each: the directory, which is created, and the mount options. */
	const struct room_item *mounts;
	size_t n_mounts;
	/* Files in /proc/sys that belong to the IPC namespace. */
	const struct room_item *settings;
	size_t n_settings;
};

/* Called before the child changes its user, because every kernel lets root set its IPC namespace.
 * ret_done: whether it has one.  NULL is an empty room here and below. */
bool room_enter_ipc(const struct room *room, bool *ret_done);

/* Called as the child's final user, who becomes uid and gid 0 of a user namespace. */
bool room_enter(const struct room *room, bool has_ipc);

#endif

#ifndef VM_CONFINE_PRIVATE_FS_H
#define VM_CONFINE_PRIVATE_FS_H

#include "base/room.h"
#include "vm/spec/spec.h"

/*
 * Private memory of a sandbox with namespaces, in addition to that of its processes: file systems,
 * each with a limit on bytes and files, and System V objects, with limits on their totals.
 */

/* Where its file systems are mounted until bwrap binds them to their places. */
#define PRIVATE_DIR "/tmp/"
enum { PRIVATE_SHM, PRIVATE_TMP, PRIVATE_RUN, PRIVATE_HOME, PRIVATE_MOUNTS };
#define PRIVATE_SETTINGS 4

struct private_mount {
	const char *from, *to;
};
extern const struct private_mount private_mounts[PRIVATE_MOUNTS];

/* The room of a sandbox with these limits, for spawn; it points into this struct. */
struct private
{
	struct room room;
	struct room_item mounts[PRIVATE_MOUNTS], settings[PRIVATE_SETTINGS];
	char options[PRIVATE_MOUNTS][80], segments[24], pages[24];
};

void private_init(struct private *p, const struct vm_limits *limits);

/* Whether System V memory can be limited here: by root, and since Linux 6.10 by any user.  Tested
 * once, by running a program. */
bool private_limits_ipc(void);

#endif

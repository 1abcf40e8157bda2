/*
 * A user namespace in which the child is root, and what it owns.  Mounts require it.  The settings
 * of an IPC namespace belong to the root of its user namespace since Linux 6.10, and to the host's
 * root before.
 */
#include "base/room.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define OWN_SIZE "size=64k,nr_inodes=32,mode=0755"

static bool write_to(const char *path, const char *text)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool set_all(const struct room *room)
{
	for (size_t i = 0; i < room->n_settings; i++) {
		if (!write_to(room->settings[i].path, room->settings[i].value)) {
			return false;
		}
	}
	return true;
}

bool room_enter_ipc(const struct room *room, bool *ret_done)
{
	/* Root in a container may lack the privilege; the unprivileged way is used then. */
	*ret_done = room && geteuid() == 0 && unshare(CLONE_NEWIPC) == 0;
	return !*ret_done || set_all(room);
}

static bool map_ids(uid_t uid, gid_t gid)
{
	char users[32], groups[32];
	snprintf(users, sizeof(users), "0 %u 1", uid);
	snprintf(groups, sizeof(groups), "0 %u 1", gid);
	/* A change of user makes the process not dumpable, and its files in /proc then belong to
	 * root. */
	return prctl(PR_SET_DUMPABLE, 1) == 0 && write_to("/proc/self/setgroups", "deny") &&
	       write_to("/proc/self/uid_map", users) && write_to("/proc/self/gid_map", groups) &&
	       prctl(PR_SET_DUMPABLE, 0) == 0;
}

static bool mount_tmpfs(const char *path, const char *options)
{
	return mount("vitrine", path, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

/* The child's mounts do not propagate to the parent's namespace. */
static bool mount_all(const struct room *room)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
		!mount_tmpfs(room->dir, OWN_SIZE)) {
		return false;
	}
	for (size_t i = 0; i < room->n_mounts; i++) {
		const struct room_item *item = &room->mounts[i];
		if (mkdir(item->path, 0700) < 0 || !mount_tmpfs(item->path, item->value)) {
			return false;
		}
	}
	return true;
}

bool room_enter(const struct room *room, bool has_ipc)
{
	if (!room) {
		return true;
	}
	uid_t uid = geteuid();
	gid_t gid = getegid();
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | (has_ipc ? 0 : CLONE_NEWIPC)) == 0 &&
	       map_ids(uid, gid) && (has_ipc || set_all(room)) && mount_all(room);
}

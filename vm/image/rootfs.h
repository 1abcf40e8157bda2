#ifndef VM_IMAGE_ROOTFS_H
#define VM_IMAGE_ROOTFS_H

#include "base/buf.h"

#include <jansson.h>

/* Requirements of a desktop's root file system, and its preparation.  root: an open directory
 * (vm/image/root.h). */

/* Reports everything that is missing, with the packages that contain it. */
bool rootfs_check(int root, struct err *err) NODISCARD;
/* Unpacks an archive's files, replacing existing ones; files below home/NAME belong to that
 * user. */
bool rootfs_unpack(
	int root, const struct buf *archive, const json_t *users, struct err *err) NODISCARD;
/* Accounts with ids from 1000 on, without passwords, and homes. */
bool rootfs_add_users(int root, const json_t *users, struct err *err) NODISCARD;
/* Host name, empty machine id, no caches and logs, no traces of the host. */
bool rootfs_tidy(int root, struct err *err) NODISCARD;
/* A sorted line "name version" per installed package; nothing without dpkg. */
bool rootfs_packages(int root, struct buf *out, struct err *err) NODISCARD;

#endif

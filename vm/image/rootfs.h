#ifndef VM_IMAGE_ROOTFS_H
#define VM_IMAGE_ROOTFS_H

#include "base/buf.h"

#include <jansson.h>

/* What a root file system must be for a desktop, and how it is made so.  root: an open directory
 * (vm/image/root.h). */

/* Says all that is missing, with the packages that have it. */
bool rootfs_check(int root, struct err *err) NODISCARD;
/* An archive's files over what is there; what is below home/NAME belongs to that user. */
bool rootfs_unpack(
	int root, const struct buf *archive, const json_t *users, struct err *err) NODISCARD;
/* Accounts with the ids from 1000 on, without passwords, and homes. */
bool rootfs_add_users(int root, const json_t *users, struct err *err) NODISCARD;
/* Host name, empty machine id, no caches and logs, no trace of the host. */
bool rootfs_tidy(int root, struct err *err) NODISCARD;
/* A sorted line "name version" for each installed package; nothing when dpkg is not used. */
bool rootfs_packages(int root, struct buf *out, struct err *err) NODISCARD;

#endif

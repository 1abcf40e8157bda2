#ifndef VM_IMAGE_IMAGE_H
#define VM_IMAGE_IMAGE_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

/*
 * Images of microVMs: a directory <state>/images/<id>/ with
 *   root.erofs   the read-only root file system
 *   vmlinuz      the kernel
 *   initramfs    modules and vitrine-init, without the agent: image_agent_archive() is appended
 *                at boot, so that a new agent requires no new image
 *   packages     a line "name version" per package, sorted
 *   image.json   a struct image
 * The same recipe and packages give the same id.
 */

#define IMAGE_ID_LEN 16 /* hex digits */
#define IMAGE_FORMAT 1  /* of all of the above; images of another format are refused */

struct image {
	char id[IMAGE_ID_LEN + 1];
	const char *name; /* of the recipe */
	const char *description;
	const char *dir;
	const char *kernel;       /* its version */
	int64_t memory_mib, cpus; /* defaults of its desktop */
	int64_t created;          /* CLOCK_REALTIME, ms */
	int64_t bytes;            /* on disk */
	void *owned;              /* owns the strings */
};

#define auto_image __attribute__((cleanup(image_done)))
void image_done(struct image *image);
/* ret_image needs an image_done() of its own. */
void image_copy(const struct image *from, struct image *ret_image);

/* images: the directory <state>/images.  name: a recipe's (selects its newest image) or an id;
 * NULL: the newest of all.  ERR_NOT_FOUND says how to build one. */
bool image_find(
	const char *images, const char *name, struct image *ret_image, struct err *err) NODISCARD;
/* Also finds an unusable one, by its id: only id and directory are set then. */
bool image_find_any(
	const char *images, const char *name, struct image *ret_image, struct err *err) NODISCARD;
/* Calls fn for each image, newest first; with why set (and only id and dir) for an unusable one. */
bool image_each(const char *images,
	void (*fn)(const struct image *image, const struct err *why, void *data), void *data,
	struct err *err) NODISCARD;
/* The contents of its file `packages`, as ["name version"]. */
json_t *image_packages(const struct image *image, struct err *err) NODISCARD;
/* Deletes it; VMs that run from it continue. */
bool image_remove(const struct image *image, struct err *err) NODISCARD;

/* A cpio archive (newc) with the agent's binary, its libraries and the loader, to be appended to
 * the initramfs.  A new sealed memory file; -1 on failure.  agent: the path. */
int image_agent_archive(const char *agent, struct err *err) NODISCARD;

#endif

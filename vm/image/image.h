#ifndef VM_IMAGE_IMAGE_H
#define VM_IMAGE_IMAGE_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

/*
 * Images: what a microVM boots.  A directory <state>/images/<id>/ with
 *   root.erofs   the read-only root file system
 *   vmlinuz      the kernel
 *   initramfs    modules and vitrine-init; the agent is not in it: whoever boots appends
 *                image_agent_archive(), so that a new agent needs no new image
 *   packages     a line "name version" for each package, sorted
 *   image.json   a struct image
 * The same recipe and packages make the same id.
 */

#define IMAGE_ID_LEN 16 /* hex digits */
#define IMAGE_FORMAT 1  /* of all of the above; an image of another is not used */

struct image {
	char id[IMAGE_ID_LEN + 1];
	const char *name; /* the recipe's */
	const char *description;
	const char *dir;
	const char *kernel;       /* its version */
	int64_t memory_mib, cpus; /* what its desktop needs when nobody says otherwise */
	int64_t created;          /* CLOCK_REALTIME, ms */
	int64_t bytes;            /* on disk */
	void *owned;              /* what the strings point into */
};

#define auto_image __attribute__((cleanup(image_done)))
void image_done(struct image *image);
/* ret_image needs an image_done() of its own. */
void image_copy(const struct image *from, struct image *ret_image);

/* images: the directory <state>/images.  name: a recipe's (its newest image) or an id; NULL: the
 * newest of all.  ERR_NOT_FOUND says how to build one. */
bool image_find(
	const char *images, const char *name, struct image *ret_image, struct err *err) NODISCARD;
/* Also one that cannot be used, by its id: only that and the directory are then set. */
bool image_find_any(
	const char *images, const char *name, struct image *ret_image, struct err *err) NODISCARD;
/* fn for each image, newest first; with why set (and the image's id and dir only) for what is there
 * and cannot be used. */
bool image_each(const char *images,
	void (*fn)(const struct image *image, const struct err *why, void *data), void *data,
	struct err *err) NODISCARD;
/* Its file `packages`, as ["name version"]. */
json_t *image_packages(const struct image *image, struct err *err) NODISCARD;
/* Deletes it; machines that run from it go on. */
bool image_remove(const struct image *image, struct err *err) NODISCARD;

/* A cpio archive (newc) with the agent's binary, the libraries it needs and the loader, to be put
 * behind the initramfs.  A new sealed memory file; -1 on failure.  agent: its path. */
int image_agent_archive(const char *agent, struct err *err) NODISCARD;

#endif

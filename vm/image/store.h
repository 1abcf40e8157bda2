#ifndef VM_IMAGE_STORE_H
#define VM_IMAGE_STORE_H

#include "vm/image/image.h"

/* Where images are kept, for those who make them.  What is unfinished has a name that begins with
 * '.' and is locked by its maker; a name without is whole. */

/* What image.json says. */
struct image_json {
	const char *id, *name, *description, *kernel;
	int64_t format, memory_mib, cpus, created;
};

json_t *image_json_encode(const struct image_json *json);

/* Reads the image in a directory of any name; id NULL: whatever it says. */
bool image_load(
	const char *dir, const char *id, struct image *ret_image, struct err *err) NODISCARD;

/* A new unfinished one: *ret_dir (free() it) is empty; the descriptor is its lock.  Clears away
 * what others left half-made.  program: as in struct walls (walls.h).  -1 on failure. */
int image_begin(const char *images, const char *program, char **ret_dir, struct err *err) NODISCARD;
/* Under the id that its image.json says from now on.  *ret_was_there: there was one already, which
 * is the one returned, and this one is gone. */
bool image_commit(const char *images, const char *dir, struct image *ret_image, bool *ret_was_there,
	struct err *err) NODISCARD;
/* Throws an unfinished one away, what was unpacked in its directory "work" included. */
void image_abandon(const char *dir, const char *program);

#endif

#ifndef VM_IMAGE_STORE_H
#define VM_IMAGE_STORE_H

#include "vm/image/image.h"

/* The store of images, for builders.  An incomplete image has a name that begins with '.' and is
 * locked by its creator; other names are complete. */

/* The contents of image.json. */
struct image_json {
	const char *id, *name, *description, *kernel;
	int64_t format, memory_mib, cpus, created;
};

json_t *image_json_encode(const struct image_json *json);

/* Reads the image in a directory of any name; id NULL: any id. */
bool image_load(
	const char *dir, const char *id, struct image *ret_image, struct err *err) NODISCARD;

bool image_is_id(const char *name);
/* The id in an incomplete one's image.json. */
bool image_read_id(const char *dir, char ret_id[IMAGE_ID_LEN + 1], struct err *err) NODISCARD;
/* Describes one that is unusable. */
void image_take_unusable(const char *dir, const char *id, struct image *ret_image);

/* Begins a new image: *ret_dir (to free()) is empty; the descriptor is its lock.  Removes
 * incomplete ones of earlier builds.  program: as in struct isolation (isolation.h).  -1 on failure. */
int image_begin(const char *images, const char *program, char **ret_dir, struct err *err) NODISCARD;
/* Publishes it under the id in its image.json.  *ret_was_there: that image existed, is returned,
 * and this one is deleted. */
bool image_commit(const char *images, const char *dir, struct image *ret_image, bool *ret_was_there,
	struct err *err) NODISCARD;
/* Deletes an incomplete image, including the unpacked files in its directory "work". */
void image_abandon(const char *dir, const char *program);

#endif

#ifndef VM_IMAGE_RECIPE_H
#define VM_IMAGE_RECIPE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

/*
 * What an image is made of: a folder with recipe.json and, if it likes, files/, a tree that is
 * copied over the root.  A recipe may build upon another: that one's packages, users, files and
 * commands come first, and what is not said is taken from it.
 */

struct recipe {
	char *name, *description;
	json_t *packages, *users, *autostart, *warm; /* arrays of strings, each once */
	char *panel; /* the program that is the panel; NULL: tint2 */
	int64_t memory_mib, cpus, disk_mib;
	struct buf files; /* cpio: files/, and from recipe_end() on what vitrine-agent reads */
};

#define auto_recipe __attribute__((cleanup(recipe_done)))
void recipe_done(struct recipe *recipe);

/* which: a name beside this program, or a folder when it has a slash. */
bool recipe_load(const char *which, struct recipe *ret_recipe, struct err *err) NODISCARD;
/* Programs that are open when a machine is made, beside those of the recipe. */
bool recipe_add_warm(struct recipe *recipe, const json_t *programs, struct err *err) NODISCARD;
/* Nothing is added any more: files is whole, as what vitrine-agent reads is in it. */
void recipe_end(struct recipe *recipe);
/* For a root file system of somebody else: no packages, and presets for the rest. */
void recipe_for_tar(const char *name, struct recipe *ret_recipe);

/* A file that comes with this program ("recipes/minimal", "vitrine-init"): beside it, else where it
 * was installed to; free() it. */
char *recipe_find_ours(const char *file, struct err *err) NODISCARD;

#endif

#ifndef VM_IMAGE_RECIPE_H
#define VM_IMAGE_RECIPE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

/*
 * A recipe: a folder with recipe.json and, optionally, files/, a tree that is copied into the root.
 * A recipe may be based on another: the base's packages, users, files and commands come first, and
 * absent members are taken from it.
 */

struct recipe {
	char *name, *description;
	json_t *packages, *users, *autostart, *warm; /* arrays of strings without duplicates */
	char *panel;                                 /* the panel program; NULL: tint2 */
	int64_t memory_mib, cpus, disk_mib;
	/* cpio: files/ and, after recipe_end(), the files that vitrine-agent reads */
	struct buf files;
};

#define auto_recipe __attribute__((cleanup(recipe_done)))
void recipe_done(struct recipe *recipe);

/* which: a name of an installed recipe, or a folder if it contains a slash. */
bool recipe_load(const char *which, struct recipe *ret_recipe, struct err *err) NODISCARD;
/* Adds programs that are open when a VM is created. */
bool recipe_add_warm(struct recipe *recipe, const json_t *programs, struct err *err) NODISCARD;
/* Completes files with those that vitrine-agent reads; nothing can be added afterwards. */
void recipe_end(struct recipe *recipe);
/* For another root file system: no packages, and defaults for everything else. */
void recipe_for_tar(const char *name, struct recipe *ret_recipe);

/* ---- recipe_find.c ---- */

/* The folder of a recipe (see recipe_load()); to free(). */
char *recipe_find(const char *which, struct err *err) NODISCARD;
/* A file that is installed with this program ("recipes/minimal", "vitrine-init"), in its directory
 * or where it was installed; to free(). */
char *recipe_find_ours(const char *file, struct err *err) NODISCARD;

#endif

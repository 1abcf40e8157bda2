#ifndef VM_IMAGE_BUILD_FILES_H
#define VM_IMAGE_BUILD_FILES_H

#include "vm/image/build.h"
#include "vm/image/plan.h"
#include "vm/image/recipe.h"

/*
 * The files of a build: the directory of the new image, and everything that the finisher gets as
 * descriptors.
 */

#define BUILD_FDS (PLAN_FDS_END - PLAN_FD)

struct build_files {
	char *dir, *work;   /* work: the subdirectory of dir for unpacked files */
	int fds[BUILD_FDS]; /* by plan number - PLAN_FD; -1: none */
};

void build_files_init(struct build_files *files);
/* Closes the descriptors; the caller removes the directory. */
void build_files_close(struct build_files *files);
void build_files_done(struct build_files *files);

/* Creates the image's files and the work directory in files->dir, and opens what is given. */
bool build_files_make(
	struct build_files *files, const struct build_how *how, struct err *err) NODISCARD;
/* Writes the plan, after build_files_make(); completes the recipe. */
bool build_files_plan(struct build_files *files, const struct build_how *how, struct recipe *recipe,
	struct err *err) NODISCARD;
/* The finisher has ended: stores its files. */
bool build_files_keep(struct build_files *files, struct err *err) NODISCARD;

#endif

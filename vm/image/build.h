#ifndef VM_IMAGE_BUILD_H
#define VM_IMAGE_BUILD_H

#include "base/err.h"
#include "vm/image/image.h"

#include <systemd/sd-event.h>

/* Makes an image: mmdebstrap with a recipe's packages, or a root file system that is there, and the
 * finisher (finish.c) as its last step, all within walls (walls.h).  A job on the loop. */

struct build;

struct build_how {
	const char *images;  /* <state>/images */
	const char *recipe;  /* NULL: "minimal" */
	const char *name;    /* NULL: the recipe's, or the archive's */
	const json_t *warm;  /* programs that are open in each machine; NULL: the recipe's alone */
	const char *tar;     /* a root file system instead of packages; NULL: none */
	const char *program; /* vitrine, which runs within the walls; NULL: this program */
};

typedef void build_progress_fn(const char *step, int percent, void *data);
/* Exactly once, from the loop, unless build_free() comes first.  image NULL: err says why. */
typedef void build_end_fn(
	const struct image *image, bool was_there, const struct err *err, void *data);

struct build *build_start(sd_event *event, const struct build_how *how,
	build_progress_fn *on_progress, build_end_fn *on_end, void *data,
	struct err *err) NODISCARD;
/* All that runs for it is killed; the end comes soon, with ERR_CANCELLED. */
void build_cancel(struct build *build);
void build_free(struct build *build); /* after its end */

#endif

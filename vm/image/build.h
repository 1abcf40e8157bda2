#ifndef VM_IMAGE_BUILD_H
#define VM_IMAGE_BUILD_H

#include "base/err.h"
#include "vm/image/image.h"

#include <systemd/sd-event.h>

/* Builds an image: runs mmdebstrap with a recipe's packages, or uses an existing root file system,
 * and then the finisher (finish.c), all in isolation (isolation.h).  A job on the loop. */

struct build;

struct build_how {
	const char *images;  /* <state>/images */
	const char *recipe;  /* NULL: "minimal" */
	const char *name;    /* NULL: from the recipe or the archive */
	const json_t *warm;  /* programs that are open in each VM; NULL: only those of the recipe */
	const char *tar;     /* a root file system instead of packages; NULL: none */
	const char *program; /* the vitrine binary for the isolated steps; NULL: this program */
};

typedef void build_progress_fn(const char *step, int percent, void *data);
/* Called exactly once, from the loop, unless build_free() is called first.  image NULL: err has the
 * reason. */
typedef void build_end_fn(
	const struct image *image, bool was_there, const struct err *err, void *data);

struct build *build_start(sd_event *event, const struct build_how *how,
	build_progress_fn *on_progress, build_end_fn *on_end, void *data,
	struct err *err) NODISCARD;
/* Kills its processes; the end follows soon, with ERR_CANCELLED. */
void build_cancel(struct build *build);
void build_free(struct build *build); /* after its end */

#endif

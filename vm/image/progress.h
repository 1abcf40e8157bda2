#ifndef VM_IMAGE_PROGRESS_H
#define VM_IMAGE_PROGRESS_H

#include "base/err.h"

#include <stddef.h>

/* Progress and errors of a build, from mmdebstrap's output. */

#define PROGRESS_LINES 3 /* number of errors kept */

struct progress {
	const char *step; /* "installing packages"; never NULL */
	int percent;      /* never decreases */
	unsigned part;    /* index into the table */
	unsigned packages, seen;
	char failed[400]; /* the finisher's error; "" if none */
	char said[64];    /* the finisher's step */
	char lines[PROGRESS_LINES][160];
	unsigned n_lines;
};

void progress_init(struct progress *progress);
/* True if step or percent have changed. */
bool progress_line(struct progress *progress, const char *line);
/* Why it failed; end: how the build ended ("exited with status 1").  Returns false. */
bool progress_error(const struct progress *progress, const char *end, struct err *err);

#endif

#ifndef VM_IMAGE_PROGRESS_H
#define VM_IMAGE_PROGRESS_H

#include "base/err.h"

#include <stddef.h>

/* What mmdebstrap's lines say about how far it is, and why it failed. */

#define PROGRESS_WORDS 3 /* how many complaints are kept */

struct progress {
	const char *step; /* "installing packages"; never NULL */
	int percent;      /* never goes back */
	unsigned part;    /* which of the table's rows */
	unsigned packages, seen;
	char failed[400]; /* the finisher's reason; "" without one */
	char said[64];    /* the finisher's step */
	char words[PROGRESS_WORDS][160];
	unsigned n_words;
};

void progress_init(struct progress *progress);
/* True when step or percent have changed. */
bool progress_line(struct progress *progress, const char *line);
/* Why it failed; end: how the build ended ("exited with status 1").  Always false. */
bool progress_error(const struct progress *progress, const char *end, struct err *err);

#endif

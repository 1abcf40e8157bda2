#ifndef VM_IMAGE_RUN_H
#define VM_IMAGE_RUN_H

#include "base/buf.h"

/* Programs that are waited for, in processes that have nothing else to do (vm/image/finish.c). */

struct run {
	const char *const *argv; /* NULL-ended */
	const char *cwd;         /* NULL: ours */
	int in;                  /* its stdin; 0: none */
	int extra;               /* handed on under its own number; 0: none */
	struct buf *out;         /* what it prints, at most RUN_OUT_MAX; NULL: goes to our stderr */
	bool errors_too;         /* out gets its stderr as well */
};

#define RUN_OUT_MAX ((size_t)4 << 20)

/* False when it cannot be started or ends with another status than 0; its stderr is ours. */
bool run_program(const struct run *run, struct err *err) NODISCARD;

#endif

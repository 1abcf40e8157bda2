#ifndef VM_IMAGE_RUN_H
#define VM_IMAGE_RUN_H

#include "base/buf.h"

/* Runs programs synchronously, in processes without a loop (vm/image/finish.c). */

struct run {
	const char *const *argv; /* NULL-terminated */
	const char *cwd;         /* NULL: inherited */
	int in;                  /* its stdin; 0: none */
	int extra;               /* inherited under the same number; 0: none */
	struct buf *out;         /* its stdout, at most RUN_OUT_MAX; NULL: inherits our stderr */
	bool errors_too;         /* out also gets its stderr */
};

#define RUN_OUT_MAX ((size_t)4 << 20)

/* False if it cannot be started or exits with a status other than 0; it inherits stderr. */
bool run_program(const struct run *run, struct err *err) NODISCARD;

#endif

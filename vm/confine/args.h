#ifndef VM_CONFINE_ARGS_H
#define VM_CONFINE_ARGS_H

#include "base/buf.h"

/* The arguments of a program under construction.  A zeroed struct is an empty list. */
struct args {
	struct buf words; /* each NUL-terminated */
	size_t n;
};

void args_done(struct args *args);

/* Appends words, NULL-terminated. */
void args_put_all(struct args *args, const char *const *words);
#define ARGS_PUT(args, ...) args_put_all(args, (const char *const[]){ __VA_ARGS__, NULL })
/* Appends one word, printf-like. */
void args_put(struct args *args, const char *fmt, ...) PRINTF(2, 3);
void args_append(struct args *args, const struct args *more);

/* For bwrap: shows directories of the host that are merged into /usr on most systems and separate on
 * some. */
void args_put_system(struct args *args, const char *const *dirs);

/* NULL-terminated, to free(); the words stay in args. */
const char **args_list(const struct args *args);

#endif

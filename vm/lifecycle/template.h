#ifndef VM_LIFECYCLE_TEMPLATE_H
#define VM_LIFECYCLE_TEMPLATE_H

/* What template.c needs of the other files about templates, and nobody else includes. */

#include "vm/lifecycle/lifecycle_impl.h"

/* ---- template_wait.c: another process is making it ---- */

struct template_wait;
/* The other process has finished, given up or died, in whatever order that is to be found out; or
 * err: it takes too long.  Once, from the loop. */
typedef void template_wait_fn(const struct err *err, void *data);
struct template_wait *template_wait_new(
	struct vm_pool *pool, const char *key, template_wait_fn *fn, void *data);
void template_wait_free(struct template_wait *wait); /* NULL-safe */

/* ---- template_gc.c: those that nobody uses ---- */

/* Writes template.json. */
bool template_describe(const char *dir, const char *key, struct err *err) NODISCARD;
void template_touch(int fd); /* it is used now */
/* Throws away what has not been used for long, the oldest beyond what all may take on disk, and the
 * oldest that stand in the way of so much room. */
void template_collect(struct vm_pool *pool, int64_t room_mib);

#endif

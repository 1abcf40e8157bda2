#ifndef VM_LIFECYCLE_TEMPLATE_H
#define VM_LIFECYCLE_TEMPLATE_H

/* Shared by the files about templates only. */

#include "vm/lifecycle/lifecycle_impl.h"

/* ---- template_wait.c: another process creates it ---- */

struct template_wait;
/* The other process has finished, given up or died, which the caller must determine; or err:
 * timeout. Called once, from the loop. */
typedef void template_wait_fn(const struct err *err, void *data);
struct template_wait *template_wait_new(
	struct vm_pool *pool, const char *key, template_wait_fn *fn, void *data);
void template_wait_free(struct template_wait *wait); /* NULL-safe */

/* ---- template_gc.c: unused templates ---- */

/* Writes template.json. */
bool template_describe(const char *dir, const char *key, struct err *err) NODISCARD;
void template_touch(int fd); /* marks it as used now */
/* Deletes those that were not used for a long time, the oldest beyond the total size limit, and the
 * oldest that prevent so much free space. */
void template_collect(struct vm_pool *pool, int64_t room_mib);

#endif

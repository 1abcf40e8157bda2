#ifndef VM_LIFECYCLE_TEMPLATE_H
#define VM_LIFECYCLE_TEMPLATE_H

/* Shared by the files about templates only. */

#include "vm/lifecycle/lifecycle_impl.h"

TAILQ_HEAD(template_waiting, lifecycle);

struct vm_template {
	TAILQ_ENTRY(vm_template) entry;
	struct vm_pool *pool;
	char *key, *path; /* path: of the complete one */
	struct template_waiting waiting;
	int use; /* a shared lock, which prevents its deletion; or -1 */
	uint64_t inode;
	uint64_t without_us; /* until then it is not used */

	/* while it is being created, in this order */
	sd_event_source *soon;
	struct template_wait *elsewhere; /* another process creates it */
	char *unfinished;
	int lock;
	struct vm *maker;
	struct vm_job job;
	bool written;
	struct err why;
};

/* ---- template_use.c: finding one and starting from it ---- */

/* The pool's, with this key. */
struct vm_template *template_of(struct vm_pool *pool, const char *key);
void template_free(struct vm_template *t);
/* Frees those that nothing needs.  Once read, a template need not stay: the next user finds or
 * creates it again. */
void template_let_go_of_unused(struct vm_pool *pool);
bool template_is_being_made(const struct vm_template *t);
/* It exists: identifies and locks it. */
bool template_find(struct vm_template *t);
void template_no_use(struct vm_template *t); /* unlocks it */
bool template_start_from(struct vm_template *t, struct vm *vm, struct err *err) NODISCARD;
/* The sandboxes that wait for one. */
void template_enter(struct vm_template *t, struct vm *vm);
void template_leave(struct vm *vm);                      /* no effect if it does not wait */
struct vm *template_take_waiting(struct vm_template *t); /* the first one; NULL: none */

/* ---- template_make.c: its creation ---- */

/* The sandbox waits for it; it is created unless it is being created. */
void template_wait_for(struct vm_template *t, struct vm *vm);
/* Ends what belongs to the creation. */
void template_made_over(struct vm_template *t);

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

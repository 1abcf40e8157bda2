#ifndef VM_LIFECYCLE_LIFECYCLE_IMPL_H
#define VM_LIFECYCLE_LIFECYCLE_IMPL_H

/*
 * What the files of vm/lifecycle share, and nobody else includes: how sandboxes are made and what
 * becomes of them.  The core tells them what happens (struct vm_part); what each keeps of a sandbox,
 * or of a pool, lies behind the core's own.
 */

#include "vm/core/core.h"
#include "vm/lifecycle/lifecycle.h"

TAILQ_HEAD(vm_templates, vm_template);
TAILQ_HEAD(vm_places, vm_place);

struct lifecycle_pool {
	struct vm_pool pool;           /* first */
	struct vm_templates templates; /* being made, or used */
	bool collected;                /* of templates, what nobody uses */
	struct vm_warm *warm;          /* the reserve, or NULL */
	struct snapshots *snapshots;   /* or NULL */
	struct vm_places places;       /* quota.c's: of what is being saved */
};

struct lifecycle {
	struct vm_core core; /* first */

	/* timeout.c's */
	uint64_t timeout_us, idle_us; /* due, CLOCK_MONOTONIC, while there is a timer */
	sd_event_source *timeout_timer, *idle_timer;

	/* warm_pool.c's */
	bool warm; /* hidden, in reserve: */
	size_t warm_kind;
	char *warm_key; /* of its template; NULL: it is in no reserve */

	/* template.c's */
	struct vm_template *template; /* it waits for this one */
	TAILQ_ENTRY(lifecycle) template_entry;
	char *template_key; /* it was started from this one */
	uint64_t template_inode;
	bool template_again; /* it was made anew once for this sandbox */
};

static inline struct lifecycle_pool *lifecycle_pool(const struct vm_pool *pool)
{
	return (struct lifecycle_pool *)(uintptr_t)pool;
}

static inline struct lifecycle *lifecycle_of(const struct vm_core *core)
{
	return (struct lifecycle *)(uintptr_t)core;
}

extern const struct vm_part vm_timeout_part, vm_metadata_part, vm_warm_part, vm_template_part,
	vm_snapshots_part;

/* ---- create.c ---- */

/* vm_create() of the pool's preset on a backend of the caller's (a test's). */
struct vm *vm_create_on(const struct vm_backend *backend, struct vm_pool *pool, const char *owner,
	struct err *err) NODISCARD;

/* Another sandbox of the pool, starting, without a machine yet.  Takes spec's insides. */
struct vm *vm_new(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	struct vm_spec *spec);
/* Its directory, clocks and record, and a machine: a new copy of what was saved in from, or (NULL)
 * one that boots. */
bool vm_begin_from(struct vm *vm, const char *from, struct err *err) NODISCARD;
/* Likewise, for a new one: from its snapshot, its template, or nothing. */
bool vm_begin_new(struct vm *vm, struct err *err) NODISCARD;
/* What an earlier server left in <state>/sandboxes/<id>; all of it is copied, lock is taken. */
struct vm_left {
	const char *backend, *id, *owner;
	const struct vm_spec *spec; /* complete */
	struct vm_times times;
	bool is_default, keep;
	bool paused; /* else it ran, and backend->adopt() takes it over */
	int lock;    /* state_lock() of its directory */
};
/* Puts it back into the pool, paused or starting.  NULL: it could not be; its directory is as it
 * was. */
struct vm *vm_put_back(struct vm_pool *pool, const struct vm_left *left, struct err *err) NODISCARD;

/* ---- quota.c ---- */

/* One of the saved machines that an owner may have, held while it is written.  Zeroed at first. */
struct vm_place {
	TAILQ_ENTRY(vm_place) entry;
	struct vm_pool *pool; /* NULL: it is not held */
	const char *owner, *id;
};
/* Takes a place for one more saved machine of vm's owner: a snapshot (its id), or a sandbox that is
 * paused ("").  False: the owner may have no more.  The place counts until it is released; the
 * snapshot of that id counts from then on.  vm and id stay valid until then. */
bool vm_quota_reserve(
	struct vm_place *place, const struct vm *vm, const char *id, struct err *err) NODISCARD;
/* It was saved, or will not be.  Nothing happens to one that is not held. */
void vm_quota_release(struct vm_place *place);
/* Whether what the owner has saved, without what is being saved, is within its limits. */
bool vm_quota_holds(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* Whether the disk has the room to pause every sandbox that runs. */
bool vm_quota_leaves_room(struct vm_pool *pool, struct err *err) NODISCARD;

/* ---- timeout.c: absolute and idle timeouts ---- */

/* Sets the clocks of a sandbox that was made, put back or taken out of the reserve; core->times
 * holds what is known. */
void vm_timeout_begin(struct vm *vm);

/* ---- metadata.c: sandbox.json ---- */

/* Writes what it is now; for those with a directory.  Called at each change of state, owner, labels
 * or timeouts; a failure is logged. */
void vm_record(struct vm *vm);
/* That it is paused, before it is: should the server die now, saved/ is what there is of it. */
bool vm_record_paused(struct vm *vm, struct err *err) NODISCARD;

/* ---- snapshots.c ---- */

/* Writes snapshot.json into dir, which the backend's save() has filled. */
bool vm_snapshot_write(struct vm *vm, const char *dir, const char *id, const char *name,
	struct err *err) NODISCARD;
/* It is at its place now. Valid until the loop runs again. */
const struct vm_snapshot *vm_snapshot_added(
	struct vm_pool *pool, const char *id, struct err *err) NODISCARD;
/* Whether a new one of the owner may be called so.  vm_snapshot_write() asks too. */
bool vm_snapshot_name_check(
	struct vm_pool *pool, const char *owner, const char *name, struct err *err) NODISCARD;

/* ---- template.c ---- */

#define VM_TEMPLATE_STEPS (VM_STAGES + 2) /* booting, a start, opening programs */

/* Starts a new sandbox the quickest way there is: from its template, which is made first when it is
 * not there. */
bool vm_template_start(struct vm *vm, struct err *err) NODISCARD;

/* ---- warm_pool.c ---- */

/* One of the reserve that is as asked for, now the owner's and being told so; NULL: none. */
struct vm *vm_warm_take(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	const struct vm_spec *spec);

#endif

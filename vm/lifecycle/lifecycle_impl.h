#ifndef VM_LIFECYCLE_LIFECYCLE_IMPL_H
#define VM_LIFECYCLE_LIFECYCLE_IMPL_H

/*
 * Shared by the files of vm/lifecycle only.  The core notifies them of events (struct vm_part);
 * their data about a sandbox or a pool follows the core's own.
 */

#include "vm/core/core.h"
#include "vm/lifecycle/lifecycle.h"

TAILQ_HEAD(vm_templates, vm_template);
TAILQ_HEAD(vm_quota_claims, vm_quota_claim);

struct lifecycle_pool {
	struct vm_pool pool;           /* first */
	struct vm_templates templates; /* being created, or in use */
	bool collected;                /* unused templates were deleted */
	struct vm_warm *warm;          /* the warm pool, or NULL */
	struct snapshots *snapshots;   /* or NULL */
	struct vm_quota_claims claims; /* of quota.c: saves in progress */
};

struct lifecycle {
	struct vm_core core; /* first */

	/* private to timeout.c */
	uint64_t timeout_us, idle_us; /* due, CLOCK_MONOTONIC, while there is a timer */
	sd_event_source *timeout_timer, *idle_timer;

	/* private to warm_pool.c */
	bool warm; /* internal, in the warm pool: */
	size_t warm_kind;
	char *warm_key; /* key of its template; NULL: not in a warm pool */

	/* private to template.c */
	struct vm_template *template; /* it waits for this one */
	TAILQ_ENTRY(lifecycle) template_entry;
	char *template_key; /* it was started from this one */
	uint64_t template_inode;
	bool template_again; /* it was rebuilt once for this sandbox */
};

static inline struct lifecycle_pool *lifecycle_pool(const struct vm_pool *pool)
{
	return (struct lifecycle_pool *)(uintptr_t)pool;
}

static inline struct lifecycle *lifecycle_of(const struct vm_core *core)
{
	return (struct lifecycle *)(uintptr_t)core;
}

extern const struct vm_part vm_timeout_part, vm_metadata_part, vm_warm_part,
	vm_warm_claim_part, vm_template_part, vm_snapshots_part;

/* ---- begin.c ---- */

/* Adds another sandbox to the pool, starting, without a VM.  Takes spec's contents. */
struct vm *vm_new(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	struct vm_spec *spec);
/* Sets up its directory, timeouts and metadata. */
bool vm_begin(struct vm *vm, struct err *err) NODISCARD;
/* The same, and starts a VM: a copy of the one saved in from, or (NULL) a boot. */
bool vm_begin_from(struct vm *vm, const char *from, struct err *err) NODISCARD;

/* ---- create.c ---- */

/* vm_create() with the pool's default on a given backend, for tests. */
struct vm *vm_create_on(const struct vm_backend *backend, struct vm_pool *pool, const char *owner,
	struct err *err) NODISCARD;

/* A sandbox that an earlier server left in <state>/sandboxes/<id>; everything is copied, lock is
 * taken. */
struct vm_left {
	const char *backend, *id, *owner;
	const struct vm_spec *spec; /* complete */
	struct vm_times times;
	bool is_default, keep;
	bool paused; /* otherwise it was running, and backend->reattach() reattaches to it */
	int lock;    /* state_lock() of its directory */
};
/* Adds it to the pool, paused or starting.  NULL: failed; its directory is unchanged. */
struct vm *vm_put_back(struct vm_pool *pool, const struct vm_left *left, struct err *err) NODISCARD;

/* ---- quota.c ---- */

/* A place in an owner's quota of saved VMs, held while one is written.  Initially zeroed. */
struct vm_quota_claim {
	TAILQ_ENTRY(vm_quota_claim) entry;
	struct vm_pool *pool; /* NULL: not held */
	const char *owner, *id;
};
/* Reserves a place for one more saved VM of vm's owner: a snapshot (its id), or a paused sandbox
 * ("").  False: the quota is reached.  The place counts until it is released; then the snapshot of
 * that id counts.  vm and id must be valid until then. */
bool vm_quota_reserve(struct vm_quota_claim *claim, const struct vm *vm, const char *id,
	struct err *err) NODISCARD;
/* It was saved, or will not be.  No effect if it is not held. */
void vm_quota_release(struct vm_quota_claim *claim);
/* Whether the owner's saved VMs, without those being saved, are within the quota. */
bool vm_quota_holds(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* Whether enough disk space remains to pause every running sandbox. */
bool vm_quota_leaves_room(struct vm_pool *pool, struct err *err) NODISCARD;

/* ---- times.c ---- */

/* Calls, or requests for a user, are pending. */
bool vm_is_in_use(const struct vm_core *core);
int64_t vm_left_ms(uint64_t due_us); /* until a time of loop_now_us() */

/* ---- timeout.c: absolute and idle timeouts ---- */

/* Starts the timeouts of a sandbox that was created, reattached or claimed; core->times has the
 * known values. */
void vm_timeout_begin(struct vm *vm);

/* ---- metadata.c: sandbox.json ---- */

/* Writes the current metadata, for sandboxes with a directory.  Called at each change of state,
 * owner, labels or timeouts; a failure is logged. */
void vm_metadata_write(struct vm *vm);
/* Writes that it is paused before it is: if the server dies now, saved/ is valid. */
bool vm_metadata_write_paused(struct vm *vm, struct err *err) NODISCARD;

/* ---- snapshots.c ---- */

/* Writes snapshot.json into dir, which the backend's save() has filled. */
bool vm_snapshot_write(struct vm *vm, const char *dir, const char *id, const char *name,
	struct err *err) NODISCARD;
/* It was published.  Valid until the loop runs again. */
const struct vm_snapshot *vm_snapshot_added(
	struct vm_pool *pool, const char *id, struct err *err) NODISCARD;
/* Whether the owner can use this name for a new one.  vm_snapshot_write() checks it, too. */
bool vm_snapshot_name_check(
	struct vm_pool *pool, const char *owner, const char *name, struct err *err) NODISCARD;

/* ---- template.c ---- */

#define VM_TEMPLATE_STEPS (VM_STAGES + 2) /* booting, a start, opening programs */

/* Starts a new sandbox from its template, which is created first if necessary. */
bool vm_template_start(struct vm *vm, struct err *err) NODISCARD;

/* ---- warm_claim.c ---- */

/* Claims a matching member of the warm pool for the owner; NULL: none. */
struct vm *vm_warm_take(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	const struct vm_spec *spec);

#endif

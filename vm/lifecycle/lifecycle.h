#ifndef VM_LIFECYCLE_LIFECYCLE_H
#define VM_LIFECYCLE_LIFECYCLE_H

#include "vm/core/vm.h"

/*
 * The life of sandboxes, for callers: create, reattach, warm pool, timeouts, pause, save, fork and
 * roll back.
 */

/* config's strings and the backends are borrowed until vm_pool_free(); backends: in order of
 * preference, NULL-terminated (vm/backends.h). */
struct vm_pool *vm_pool_new(
	sd_event *event, const struct vm_config *config, const struct vm_backend *const *backends);
/*
 * Reattaches to running and paused sandboxes of an earlier server in the state directory, for
 * owners of this server, and deletes unusable ones.  Called once, before the first create.  is_here
 * NULL: all owners.
 */
typedef bool vm_owner_fn(const char *owner, void *data);
void vm_pool_reattach(struct vm_pool *pool, vm_owner_fn *is_here, void *data);

/* Starts one for `owner` (a principal's name, compared as text).  spec NULL: the pool's default.
 * NULL with ERR_LIMIT, ERR_UNSUPPORTED, ERR_NOT_FOUND (image, snapshot), ERR_HOST. */
struct vm *vm_create(struct vm_pool *pool, const char *owner, const struct vm_spec *spec,
	struct err *err) NODISCARD;
/* Returns the owner's default sandbox, created on first use and again after it ended (the new one
 * then has a note about it). */
struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* The same, but never creates one: ERR_NOT_FOUND if there is none. */
struct vm *vm_find_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* The current values. */
struct vm_times vm_times(const struct vm *vm);
/* From now; -1: none.  ERR_ARGUMENT above the pool's limit. */
bool vm_set_timeout(struct vm *vm, int64_t timeout_ms, struct err *err) NODISCARD;

/* The target size of the warm pool and the number of ready members, over all images. */
void vm_pool_reserve(const struct vm_pool *pool, int64_t *ret_wanted, int64_t *ret_ready);

/*
 * ---- saved VMs: pause, snapshot, fork, rollback ----
 *
 * Each fn is called exactly once, from the loop.  If the backend does not support the operation:
 * ERR_UNSUPPORTED, with the name of one that does.  During an operation, further ones are refused
 * with ERR_STATE; calls wait and then continue.  A failure leaves the sandbox unchanged, or reports
 * that it ended.
 */

/* A saved sandbox of an owner: memory, programs, files.  Exists until it is deleted. */
struct vm_snapshot {
	char id[ID_LEN + 1];
	const char *owner, *name; /* name: chosen by the owner, or NULL */
	struct vm_spec spec;      /* of the sandbox it was taken from */
	const char *source;       /* that sandbox's id */
	int64_t created;          /* CLOCK_REALTIME, ms */
	int64_t bytes;            /* on disk */
};

typedef void vm_done_fn(struct vm *vm, const struct err *err, void *data);
/* snapshot is valid during the callback. */
typedef void vm_snapshot_fn(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data);
/* vms: the new sandboxes, each ready or ended (with an error from vm_wait()); n is less than
 * requested only if err is set. */
typedef void vm_fork_fn(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data);

#define VM_FORK_MAX 100
#define VM_SNAPSHOT_NAME_MAX 60

/* Writes it to disk and frees its memory and CPU.  ERR_LIMIT if the owner's quota of saved VMs is
 * reached. */
void vm_pause(struct vm *vm, vm_done_fn *fn, void *data);
/* The source continues.  ERR_LIMIT as above, and if too little disk space would remain to pause all
 * running sandboxes. */
void vm_take_snapshot(struct vm *vm, const char *name, vm_snapshot_fn *fn, void *data);
/* Copies the running desktop 1 to VM_FORK_MAX times; the source continues.  The copies belong to
 * its owner. */
void vm_fork(struct vm *vm, size_t count, vm_fork_fn *fn, void *data);
/* Discards changes since the snapshot; the sandbox keeps its id.  fn is called when it is ready
 * again. */
void vm_rollback(struct vm *vm, const char *snapshot, vm_done_fn *fn, void *data);

/* By id or name, of this owner; valid until the loop runs again.  NULL with ERR_NOT_FOUND. */
const struct vm_snapshot *vm_snapshot_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;
/* The i-th of the owner's snapshots, oldest first; NULL after the last. */
const struct vm_snapshot *vm_snapshot_at(struct vm_pool *pool, const char *owner, size_t i);
/* Sandboxes started from it continue. */
bool vm_snapshot_delete(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;

#endif

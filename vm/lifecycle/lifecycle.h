#ifndef VM_LIFECYCLE_LIFECYCLE_H
#define VM_LIFECYCLE_LIFECYCLE_H

#include "vm/core/vm.h"

/*
 * How sandboxes come to be and what becomes of them, for callers: created, taken over from an earlier
 * server, kept in reserve, limited in time, paused, saved, copied and rolled back.
 */

/* config's strings are borrowed until vm_pool_free(), as are the backends: in order of preference,
 * NULL-ended (vm/backends.h). */
struct vm_pool *vm_pool_new(
	sd_event *event, const struct vm_config *config, const struct vm_backend *const *backends);
/*
 * Takes over what an earlier server left under the state directory, of owners who are here: running
 * sandboxes and paused ones; cleans up what cannot be.  Once, before the first create.  is_here
 * NULL: everybody is.
 */
typedef bool vm_owner_fn(const char *owner, void *data);
void vm_pool_adopt(struct vm_pool *pool, vm_owner_fn *is_here, void *data);

/* Starts one for `owner` (a principal's name, compared as text).  spec NULL: the pool's preset.
 * NULL with ERR_LIMIT, ERR_UNSUPPORTED, ERR_NOT_FOUND (image, snapshot), ERR_HOST. */
struct vm *vm_create(struct vm_pool *pool, const char *owner, const struct vm_spec *spec,
	struct err *err) NODISCARD;
/* The owner's default sandbox, made at first use and again after it ended (err then holds nothing:
 * the new one's notes say so). */
struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* The same, but none is made: ERR_NOT_FOUND when there is none. */
struct vm *vm_find_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* As they are now. */
struct vm_times vm_times(const struct vm *vm);
/* From now; -1: none.  ERR_ARGUMENT beyond what the pool allows. */
bool vm_set_timeout(struct vm *vm, int64_t timeout_ms, struct err *err) NODISCARD;

/* How many ready clones are to be kept in reserve, and how many there are now, of all images. */
void vm_pool_reserve(const struct vm_pool *pool, int64_t *ret_wanted, int64_t *ret_ready);

/*
 * ---- a machine as a file: pause, snapshot, fork, rollback ----
 *
 * Each fn fires exactly once, from the loop.  On a backend that cannot: ERR_UNSUPPORTED, and the
 * text says which can.  While one of these runs on a sandbox, another is refused with ERR_STATE;
 * calls that come meanwhile wait and then go on.  A failure leaves the sandbox as it was, or says
 * that it ended.
 */

/* A saved sandbox of an owner: memory, programs, files.  Lives until it is deleted. */
struct vm_snapshot {
	char id[ID_LEN + 1];
	const char *owner, *name; /* name: the owner's word for it, or NULL */
	struct vm_spec spec;      /* of the sandbox it was taken of */
	const char *source;       /* that sandbox's id */
	int64_t created;          /* CLOCK_REALTIME, ms */
	int64_t bytes;            /* on disk */
};

typedef void vm_done_fn(struct vm *vm, const struct err *err, void *data);
/* snapshot is valid during the callback. */
typedef void vm_snapshot_fn(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data);
/* vms: those that came up, each ready or (err of its own, through vm_wait()) ended; n may be less
 * than asked for only when err says why. */
typedef void vm_fork_fn(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data);

#define VM_FORK_MAX 100
#define VM_SNAPSHOT_NAME_MAX 60

/* Writes it to disk and gives its memory and processor back.  ERR_LIMIT when its owner has saved as
 * much as they may. */
void vm_pause(struct vm *vm, vm_done_fn *fn, void *data);
/* The source goes on.  ERR_LIMIT likewise, and when the disk would then not have the room to pause
 * every sandbox that runs. */
void vm_take_snapshot(struct vm *vm, const char *name, vm_snapshot_fn *fn, void *data);
/* The running desktop 1 to VM_FORK_MAX times; the source goes on.  The copies belong to its owner.
 */
void vm_fork(struct vm *vm, size_t count, vm_fork_fn *fn, void *data);
/* What happened since the snapshot is lost; the sandbox keeps its id.  fn when it is ready again.
 */
void vm_rollback(struct vm *vm, const char *snapshot, vm_done_fn *fn, void *data);

/* By id or name, among the owner's; valid until the loop runs again.  NULL with ERR_NOT_FOUND. */
const struct vm_snapshot *vm_snapshot_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;
/* The i-th of the owner's, oldest first; NULL past the end. */
const struct vm_snapshot *vm_snapshot_at(struct vm_pool *pool, const char *owner, size_t i);
/* Sandboxes that came from it go on. */
bool vm_snapshot_delete(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;

#endif

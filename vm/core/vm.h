#ifndef VM_CORE_VM_H
#define VM_CORE_VM_H

#include "base/err.h"
#include "base/id.h"
#include "base/listener.h"
#include "vm/spec/spec.h"

#include <systemd/sd-event.h>

/*
 * Sandboxes, for callers: made in a pool, found by id, driven through vm/guest/guest.h.  Nothing above
 * knows which backend it talks to.  Only pool.c allocates sandboxes, changes their state and enforces
 * limits.
 */

/*
 * A struct vm stays valid as long as anything of it is pending (a wait, a call, a watch), and after
 * its end until some tens of later ones have ended.  Callbacks come from the loop only;
 * vm_pool_free() is the exception: it calls all that are still owed.
 */
struct vm;
struct vm_pool;
struct guest;

/* A paused one has no process: it is a snapshot on disk, and waiting for it (vm_wait()) resumes it.
 */
enum vm_state { VM_STARTING, VM_READY, VM_PAUSED, VM_STOPPING, VM_GONE };
extern const char *const vm_state_words[];

/* Puts other words for where files of this host are into an error that goes to a client.  What is
 * logged keeps them.  pool NULL: does nothing. */
void vm_hide_paths(const struct vm_pool *pool, struct err *err);

/* config's strings are borrowed until vm_pool_free(), as are the backends: in order of preference,
 * NULL-ended (vm/backends.h). */
struct vm_backend;
struct vm_pool *vm_pool_new(
	sd_event *event, const struct vm_config *config, const struct vm_backend *const *backends);
/* Kills every sandbox, answers everyone who waits, and reaps (a second or two at most).  NULL-safe.
 */
void vm_pool_free(struct vm_pool *pool);

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
/* What a sandbox is when nobody says otherwise; to be copied and changed for vm_create(). */
const struct vm_spec *vm_preset(const struct vm_pool *pool);
/* By id, among the owner's; a stranger's sandbox is ERR_NOT_FOUND.  One that has ended is ERR_GONE
 * and says why. */
struct vm *vm_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;
/* The owner's default sandbox, made at first use and again after it ended (err then holds nothing:
 * the new one's notes say so). */
struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* The same, but none is made: ERR_NOT_FOUND when there is none. */
struct vm *vm_find_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* The i-th of the owner's sandboxes that are not gone, oldest first; NULL past the end. */
struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i);
void vm_stop(struct vm *vm, const char *why); /* ends it; further calls answer ERR_GONE with why */

struct guest *vm_guest(struct vm *vm); /* its agent, for vm/guest/guest.h; as valid as vm */
const char *vm_id(const struct vm *vm);
enum vm_state vm_state(const struct vm *vm);
const char *vm_owner(const struct vm *vm);
const char *vm_backend_name(const struct vm *vm);
/* What it may take any amount of on this host ("shared memory, processor time"); NULL: nothing. */
const char *vm_no_limit_on(const struct vm *vm);
struct size vm_frame(
	const struct vm *vm); /* the frame space; the configured one before it is ready */
struct size vm_screen(const struct vm *vm);
const struct vm_spec *vm_spec(const struct vm *vm); /* with every default filled in */
/* Times are of CLOCK_REALTIME, ms; 0: never. */
struct vm_times {
	int64_t created, ready, timeout, idle;
};
struct vm_times vm_times(const struct vm *vm);
/* From now; -1: none.  ERR_ARGUMENT beyond what the pool allows. */
bool vm_set_timeout(struct vm *vm, int64_t timeout_ms, struct err *err) NODISCARD;
/* Somebody uses it other than by calls: its idle time begins again. */
void vm_touch(struct vm *vm);
/* Somebody uses it until vm_unuse(): it is not idle meanwhile, whatever is or is not asked of its
 * agent, and stays valid.  Counted. */
void vm_use(struct vm *vm);
void vm_unuse(struct vm *vm);
/* A sentence the next result should carry ("The window manager died and was restarted."), once;
 * free() it.  NULL: none. */
char *vm_take_note(struct vm *vm);

/* ---- waiting for it ---- */

struct vm_wait;
struct vm_wait_handlers {
	/* "x-server" and so on, of `of` stages, the step-th; may be NULL. */
	void (*stage)(const char *stage, unsigned step, unsigned of, void *data);
	/* Once, from the loop: ready when err is NULL.  The wait is over and freed. */
	void (*done)(struct vm *vm, const struct err *err, void *data);
};
/* Also for one that is ready already. */
struct vm_wait *vm_wait(struct vm *vm, const struct vm_wait_handlers *handlers, void *data);
void vm_wait_cancel(struct vm_wait *wait); /* no callback; the sandbox starts all the same */

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

/* ---- what happens to the sandboxes of a pool ---- */

/* All from the loop, and none once vm_pool_free() has begun.  A member may be NULL. */
struct vm_listener {
	/* The screen of one that is watched changed; at most 5 times a second for each. */
	void (*screen)(struct vm *vm, void *data);
	/* It did something by itself: a sentence ("The window manager died and was restarted.").
	 */
	void (*news)(struct vm *vm, const char *text, void *data);
	/* It came up, or (why) ended before it did.  Once for each. */
	void (*started)(struct vm *vm, uint64_t took_us, const struct err *why, void *data);
	/* It may be in another state now (vm_state()), VM_GONE included; soon after the change. */
	void (*state)(struct vm *vm, void *data);
	/* Somebody else has control of it now, or a person is wanted, or is not any more. */
	void (*control)(struct vm *vm, void *data);
	/* It has ended; nothing more happens to it.  Once for each. */
	void (*ended)(struct vm *vm, const struct err *why, void *data);
};
struct listeners *vm_listeners(struct vm_pool *pool); /* of struct vm_listener */
void vm_watch(struct vm *vm, bool on);                /* its screen; counted: as many offs as ons */

/* ---- for whoever runs the server ---- */

/* What an owner may have at once. */
struct vm_owner_limits {
	int64_t sandboxes; /* that run; 0: as many as there is room for */
	int64_t saved;     /* snapshots and paused sandboxes; 0: vm_config's max_saved */
	int64_t saved_mib; /* and their size on disk; 0: vm_config's max_saved_mib */
};
typedef struct vm_owner_limits vm_owner_limits_fn(const char *owner, void *data);
void vm_pool_limit_owners(struct vm_pool *pool, vm_owner_limits_fn *fn, void *data);
/* How many ready clones are to be kept in reserve, and how many there are now, of all images. */
void vm_pool_reserve(const struct vm_pool *pool, int64_t *ret_wanted, int64_t *ret_ready);
/* Calls fn for each sandbox that is not gone, whoever's it is. */
void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data);

/* ---- what this host can do, for doctor ---- */
/* Calls fn for each backend in order of preference; err is NULL when it works here.  May run a
 * program and wait for it. */
void vm_probe(const struct vm_config *config, const struct vm_backend *const *backends,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data);

#endif

#ifndef VM_CORE_VM_H
#define VM_CORE_VM_H

#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/listener.h"
#include "vm/spec/spec.h"

#include <systemd/sd-event.h>

/*
 * Sandboxes, for callers: found by id in a pool, waited for, ended, and used through
 * vm/guest/guest.h. Callers do not know the backend.  vm/lifecycle/lifecycle.h creates them.
 */

/*
 * A struct vm is valid while anything on it is pending (a wait, a call, a watch), and after its end
 * until some tens of later ones have ended.  Callbacks are called from the loop only, except by
 * vm_pool_free(), which calls all that are pending.
 */
struct vm;
struct vm_pool;
struct guest;
struct vm_backend;

/* A paused sandbox has no process.  It is stored on disk, and waiting for it (vm_wait()) resumes
 * it. */
enum vm_state { VM_STARTING, VM_READY, VM_PAUSED, VM_STOPPING, VM_GONE };
extern const char *const vm_state_names[];

/* Replaces host paths in an error for a client.  Logs keep them.  pool NULL: no effect. */
void vm_hide_paths(const struct vm_pool *pool, struct err *err);

/* Kills every sandbox, notifies all waits, and reaps (a second or two at most).  NULL-safe. */
void vm_pool_free(struct vm_pool *pool);

/* The secret of the pool's state directory (vm/state/key.h). */
bool vm_pool_key(struct vm_pool *pool, struct digest *ret_key, struct err *err) NODISCARD;

/* The default specification, to be copied and modified for vm_create(). */
const struct vm_spec *vm_default_spec(const struct vm_pool *pool);
/* Finds an owner's sandbox by id.  A sandbox of another owner is ERR_NOT_FOUND.  An ended one is
 * ERR_GONE with the reason. */
struct vm *vm_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;
/* The i-th of the owner's sandboxes that are not gone, oldest first; NULL after the last. */
struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i);
/* ends it; further calls fail with ERR_GONE and why */
void vm_stop(struct vm *vm, const char *why);

struct guest *vm_guest(struct vm *vm); /* its agent, for vm/guest/guest.h; valid as long as vm */
const char *vm_id(const struct vm *vm);
enum vm_state vm_state(const struct vm *vm);
const char *vm_owner(const struct vm *vm);
const char *vm_backend_name(const struct vm *vm);
/* Resources that are not limited on this host ("shared memory, CPU time"); NULL: none. */
const char *vm_no_limit_on(const struct vm *vm);
struct size vm_frame(
	const struct vm *vm); /* the frame space; before it is ready, the configured one */
struct size vm_screen(const struct vm *vm);
/* Whether its owner knows the frame space.  Otherwise programs, people or a rollback have resized the
 * display, coordinates may be of the old size, and vm_take_note() tells the new one. */
bool vm_frame_is_known(const struct vm *vm, struct err *err) NODISCARD;
/* A result tells it. */
void vm_frame_told(struct vm *vm);
const struct vm_spec *vm_spec(const struct vm *vm); /* with all defaults */
/* Times of CLOCK_REALTIME, in ms; 0: never. */
struct vm_times {
	int64_t created, ready, timeout, idle;
};
/* Counts as use other than by a call: restarts the idle timeout. */
void vm_touch(struct vm *vm);
/* Marks it as in use until vm_unuse(): it is not idle and stays valid, whatever its agent does.
 * Counted. */
void vm_use(struct vm *vm);
void vm_unuse(struct vm *vm);
/* Returns a note for the next result ("The window manager died and was restarted."), once; to
 * free(). NULL: none.  A new size of the display is part of it. */
char *vm_take_note(struct vm *vm);

/* ---- waiting ---- */

struct vm_wait;
struct vm_wait_handlers {
	/* Reports "x-server" and so on: the step-th of `of` stages.  May be NULL. */
	void (*stage)(const char *stage, unsigned step, unsigned of, void *data);
	/* Called once, from the loop: ready if err is NULL.  The wait is over and freed. */
	void (*done)(struct vm *vm, const struct err *err, void *data);
};
/* Also for a ready sandbox. */
struct vm_wait *vm_wait(struct vm *vm, const struct vm_wait_handlers *handlers, void *data);
void vm_wait_cancel(struct vm_wait *wait); /* no callback; the sandbox starts anyway */

/* ---- events of a pool's sandboxes ---- */

/* All are called from the loop, none once vm_pool_free() has begun.  Members may be NULL. */
struct vm_listener {
	/* The screen of a watched sandbox changed; at most 5 times per second for each. */
	void (*screen)(struct vm *vm, void *data);
	/* An event inside it, as a sentence ("The window manager died and was restarted."). */
	void (*notice)(struct vm *vm, const char *text, void *data);
	/* It is ready, or (why) ended before.  Once for each. */
	void (*started)(struct vm *vm, uint64_t took_us, const struct err *why, void *data);
	/* Its state may have changed (vm_state()), including VM_GONE; soon after the change. */
	void (*state)(struct vm *vm, void *data);
	/* The holder of its control changed, or a request for a user began or ended. */
	void (*control)(struct vm *vm, void *data);
	/* It has ended; no more events follow.  Once for each. */
	void (*ended)(struct vm *vm, const struct err *why, void *data);
};
struct listeners *vm_listeners(struct vm_pool *pool); /* of struct vm_listener */
/* watches its screen; counted: each on needs an off */
void vm_watch(struct vm *vm, bool on);

/* ---- for operators ---- */

/* Limits of one owner. */
struct vm_owner_limits {
	int64_t sandboxes; /* running ones; 0: only the server's limit */
	int64_t saved;     /* snapshots and paused sandboxes; 0: vm_config's max_saved */
	int64_t saved_mib; /* and their size on disk; 0: vm_config's max_saved_mib */
};
typedef struct vm_owner_limits vm_owner_limits_fn(const char *owner, void *data);
void vm_pool_limit_owners(struct vm_pool *pool, vm_owner_limits_fn *fn, void *data);
/* Calls fn for each sandbox of any owner that is not gone. */
void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data);

/* ---- capabilities of this host, for doctor ---- */
/* Calls fn for each backend in order of preference; err is NULL if it works here.  May run a
 * program and wait for it. */
void vm_probe(const struct vm_config *config, const struct vm_backend *const *backends,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data);

#endif

#ifndef VM_CORE_VM_H
#define VM_CORE_VM_H

#include "base/err.h"
#include "base/id.h"
#include "base/listener.h"
#include "vm/spec/spec.h"

#include <systemd/sd-event.h>

/*
 * Sandboxes, for callers: found by id in a pool, waited for, ended, driven through
 * vm/guest/guest.h.  Nothing above knows which backend it talks to.  vm/lifecycle/lifecycle.h makes
 * them.
 */

/*
 * A struct vm stays valid as long as anything of it is pending (a wait, a call, a watch), and after
 * its end until some tens of later ones have ended.  Callbacks come from the loop only;
 * vm_pool_free() is the exception: it calls all that are still owed.
 */
struct vm;
struct vm_pool;
struct guest;
struct vm_backend;

/* A paused one has no process: it is a snapshot on disk, and waiting for it (vm_wait()) resumes it.
 */
enum vm_state { VM_STARTING, VM_READY, VM_PAUSED, VM_STOPPING, VM_GONE };
extern const char *const vm_state_words[];

/* Puts other words for where files of this host are into an error that goes to a client.  What is
 * logged keeps them.  pool NULL: does nothing. */
void vm_hide_paths(const struct vm_pool *pool, struct err *err);

/* Kills every sandbox, answers everyone who waits, and reaps (a second or two at most).  NULL-safe.
 */
void vm_pool_free(struct vm_pool *pool);

/* What a sandbox is when nobody says otherwise; to be copied and changed for vm_create(). */
const struct vm_spec *vm_preset(const struct vm_pool *pool);
/* By id, among the owner's; a stranger's sandbox is ERR_NOT_FOUND.  One that has ended is ERR_GONE
 * and says why. */
struct vm *vm_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;
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
/* Calls fn for each sandbox that is not gone, whoever's it is. */
void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data);

/* ---- what this host can do, for doctor ---- */
/* Calls fn for each backend in order of preference; err is NULL when it works here.  May run a
 * program and wait for it. */
void vm_probe(const struct vm_config *config, const struct vm_backend *const *backends,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data);

#endif

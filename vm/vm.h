#ifndef VM_VM_H
#define VM_VM_H

#include "base/err.h"
#include "base/id.h"
#include "vm/wire/geometry.h"

#include <jansson.h>
#include <systemd/sd-event.h>

/*
 * Sandboxes, for callers: made in a pool, found by id, driven through vm/guest.h.  Nothing above
 * knows which backend it talks to.  Only vm.c allocates sandboxes, changes their state and enforces
 * limits.
 */

/*
 * A struct vm stays valid as long as anything of it is pending (a wait, a call, a watch), and after
 * its end until some tens of later ones have ended.  Callbacks come from the loop only;
 * vm_pool_free() is the exception: it calls all that are still owed.
 */
struct vm;
struct vm_pool;

enum vm_state { VM_STARTING, VM_READY, VM_STOPPING, VM_GONE };
extern const char *const vm_state_words[];

/* What one sandbox gets.  Plain values; a zero means the pool's default. */
struct vm_limits {
	int64_t memory_mib;
	int64_t processes;
	int64_t files;
	int64_t disk_mib; /* of each private file system */
};

struct vm_config {
	const char *backend; /* "auto", "namespace", "fake" */
	struct size screen;
	struct vm_limits limits;
	int64_t max_sandboxes;
	int64_t start_timeout_ms;
	const char *agent; /* path of vitrine-agent; NULL: beside this program, then LIBEXECDIR */
};

/* config's strings are borrowed until vm_pool_free(). */
struct vm_pool *vm_pool_new(sd_event *event, const struct vm_config *config);
/* Kills every sandbox, answers everyone who waits, and reaps (a second or two at most).  NULL-safe.
 */
void vm_pool_free(struct vm_pool *pool);

/* Starts one for `owner` (a principal's name, compared as text).  NULL with ERR_LIMIT,
 * ERR_UNSUPPORTED, ERR_HOST. */
struct vm *vm_create(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* By id, among the owner's; a stranger's sandbox is ERR_NOT_FOUND.  One that has ended is ERR_GONE
 * and says why. */
struct vm *vm_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err) NODISCARD;
/* The owner's default sandbox, made at first use and again after it ended (err then holds nothing:
 * the new one's notes say so). */
struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* The i-th of the owner's sandboxes that are not gone, oldest first; NULL past the end. */
struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i);
void vm_stop(struct vm *vm, const char *why); /* ends it; further calls answer ERR_GONE with why */

const char *vm_id(const struct vm *vm);
enum vm_state vm_state(const struct vm *vm);
const char *vm_owner(const struct vm *vm);
const char *vm_backend_name(const struct vm *vm);
struct size vm_frame(
	const struct vm *vm); /* the frame space; the configured one before it is ready */
struct size vm_screen(const struct vm *vm);
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

/* ---- screen changes, for subscriptions ---- */
typedef void vm_screen_fn(struct vm *vm, void *data);
/* One listener for the whole pool.  fn fires at most 5 times a second for each watched sandbox. */
void vm_pool_on_screen(struct vm_pool *pool, vm_screen_fn *fn, void *data);
void vm_watch(struct vm *vm, bool on); /* counted: as many offs as ons */

/* ---- what happens to a sandbox by itself, for logs ---- */
/* text: a sentence ("The window manager died and was restarted.").  One listener for the whole
 * pool; from the loop. */
typedef void vm_news_fn(struct vm *vm, const char *text, void *data);
void vm_pool_on_news(struct vm_pool *pool, vm_news_fn *fn, void *data);

/* ---- for whoever runs the server ---- */

/* How many sandboxes an owner may have at once; 0: as many as there is room for. */
typedef int64_t vm_owner_limit_fn(const char *owner, void *data);
void vm_pool_limit_owners(struct vm_pool *pool, vm_owner_limit_fn *fn, void *data);
/* A sandbox came up, or (why) ended before it did.  Once for each; one listener for the whole pool.
 */
typedef void vm_started_fn(struct vm *vm, uint64_t took_us, const struct err *why, void *data);
void vm_pool_on_started(struct vm_pool *pool, vm_started_fn *fn, void *data);
/* Calls fn for each sandbox that is not gone, whoever's it is. */
void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data);

/* ---- what this host can do, for doctor ---- */
/* Calls fn for each backend in order of preference; err is NULL when it works here.  May run a
 * program and wait for it. */
void vm_probe(const struct vm_config *config,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data);

#endif

#ifndef VM_CORE_H
#define VM_CORE_H

/* What vm.c, life.c and guest.c know of a sandbox, and nobody else includes. */

#include "base/buf.h"
#include "vm/backend.h"

#include <sys/queue.h>

#define VM_REMEMBERED \
	32 /* ended sandboxes whose reason is kept, so that a later call can say it \
	    */

TAILQ_HEAD(vm_list, vm_core);
TAILQ_HEAD(vm_waits, vm_wait);
TAILQ_HEAD(guest_calls, guest_call);

struct vm_pool {
	sd_event *event;
	struct vm_config config; /* with every default filled in */
	struct vm_list vms;      /* oldest first, the remembered ones among them */
	bool freeing;
	vm_screen_fn *on_screen;
	void *on_screen_data;
	vm_news_fn *on_news;
	void *on_news_data;
	vm_started_fn *on_started;
	void *on_started_data;
	vm_owner_limit_fn *owner_limit;
	void *owner_limit_data;
};

struct vm_core {
	TAILQ_ENTRY(vm_core) entry;
	struct vm *vm;
	char *owner;
	enum vm_state state;
	bool is_default; /* the newest default of its owner, ended or not */
	bool was_ready;
	bool buried; /* every callback has been told of the end */
	bool ended;  /* the backend has nothing left of it */
	struct link *link;
	struct size screen, frame;
	struct err why; /* valid from VM_STOPPING on */
	struct buf notes;
	uint64_t start_us;
	sd_event_source *start_timer, *lost_timer, *burial;

	bool said_hello;
	unsigned stages; /* a bit for each that was seen */
	const char *last_stage;
	unsigned restarts; /* of its parts */
	struct vm_waits waits;

	unsigned watches;
	uint64_t screen_us; /* when the listener was told last */
	sd_event_source *screen_timer;

	/* guest.c's */
	struct guest_calls calls;
	uint32_t last_id;
	uint64_t guard_ms; /* an agent that does not even answer a ping for this long hangs */
	bool pinged;
	sd_event_source *guard;
};

/* ---- vm.c ---- */

/* vm_create() on a backend of the caller's (a test's). */
struct vm *vm_create_on(const struct vm_backend *backend, struct vm_pool *pool, const char *owner,
	struct err *err) NODISCARD;

/* ---- life.c ---- */

/* Ends it: kills at once, tells everyone who waits from the loop.  Only the first reason counts. */
void vm_end(struct vm *vm, const struct err *why);
/* The link broke.  The backend has a moment to say why (a process that died), then it counts as
 * ended for this reason. */
void vm_lost_link(struct vm *vm, const struct err *why);
/* The agent broke the protocol: says so in *err ("the sandbox's agent sent ...") and ends the
 * sandbox. */
void vm_agent_broke(struct vm *vm, struct err *err);
/* ERR_GONE, or what kept it from starting. */
void vm_end_error(const struct vm *vm, struct err *ret_err);
/* For the pool's end: tells everyone now, whatever is deferred included, and releases. */
void vm_bury_now(struct vm_core *core);
/* Tells those who wait. */
void vm_tell_stage(struct vm_core *core, const char *stage, unsigned step, unsigned of);
void vm_is_ready(struct vm *vm);
void vm_start_clock(struct vm *vm);
/* For logs, at once; a note waits for the next result. */
void vm_tell_news(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);
void vm_add_note(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);

/* ---- events.c ---- */

/* For the link's handlers; data is the vm. */
void vm_on_agent_event(struct link *link, const struct link_msg *msg, void *data);
void vm_watch_again(struct vm *vm); /* tells an agent that has just come up, if somebody watches */

/* ---- guest.c ---- */

/* Fails the calls that were in flight when the sandbox ended; with all, those too that were refused
 * and not told yet. */
void guest_fail_calls(struct vm *vm, bool all);

#endif

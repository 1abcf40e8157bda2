#ifndef VM_CORE_CORE_H
#define VM_CORE_CORE_H

/*
 * The core's internals, shared with vm/lifecycle only.
 *
 * A sandbox (struct vm) has one or more VMs of its backend, one after the other: a pause ends one
 * and a resume starts the next, a rollback does both.  instance.c starts and ends them, lifecycle.c
 * changes the state of the sandbox, and an operation (pause, snapshot, fork, rollback) is a struct
 * vm_job with exclusive access to the sandbox.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/listener.h"
#include "vm/core/backend.h"
#include "vm/core/control.h"
#include "vm/guest/owner.h"
#include "vm/state/state.h"

#include <sys/queue.h>

#define VM_REMEMBERED 32 /* ended sandboxes whose reason is kept for later calls */

#define VM_SAVED_DIR "saved" /* in a paused sandbox's directory */

TAILQ_HEAD(vm_list, vm_core);
TAILQ_HEAD(vm_waits, vm_wait);
TAILQ_HEAD(vm_jobs, vm_job);

/*
 * A feature of pools that the core does not know, notified of events in the order of the table.
 * Members may be NULL.
 */
struct vm_part {
	void (*begun)(struct vm_pool *pool); /* the pool has no sandboxes yet */
	void (*changed)(struct vm *vm);      /* its state is now ready, paused or gone */
	void (*used)(struct vm *vm);         /* a call or another use of it started or ended */
	/* It failed to start from its origin (ORIGIN_...).  True: another start was begun. */
	bool (*failed)(struct vm *vm, const struct err *why);
	void (*ending)(struct vm *vm);       /* it is about to stop */
	void (*forgotten)(struct vm *vm);    /* it is about to be freed */
	void (*freed)(struct vm_pool *pool); /* all sandboxes have ended */
};

struct vm_pool {
	sd_event *event;
	struct vm_config config;                  /* with all defaults */
	const struct vm_backend *const *backends; /* in order of preference; NULL-terminated */
	const struct vm_part *const *parts;       /* NULL-terminated */
	struct vm_list vms;                       /* oldest first, including remembered ones */
	bool freeing;
	struct state *state;        /* NULL until vm_pool_state() is called */
	struct err no_state;        /* why it is not available, logged once */
	struct err guessed;         /* why "auto" is not the first choice, logged once */
	struct listeners listeners; /* struct vm_listener */
	vm_owner_limits_fn *owner_limits;
	void *owner_limits_data;
};

enum vm_machine {
	MACHINE_NONE,   /* none: the next may start */
	MACHINE_RUNS,   /* starting or running */
	MACHINE_ENDING, /* vm_has_died() follows */
	MACHINE_ENDED,  /* to be released */
};

/* The origin of a VM. */
enum vm_origin {
	ORIGIN_BOOT,     /* a cold boot */
	ORIGIN_TEMPLATE, /* a template */
	ORIGIN_SNAPSHOT, /* a snapshot, or another sandbox */
	ORIGIN_RESUME,   /* <dir>/saved, which is removed when it is ready; also for a rollback */
	ORIGIN_WARM,     /* the warm pool: it was running and got an owner */
	ORIGIN_REATTACH, /* an earlier server: it is running */
};

/* The properties of an origin until the VM is ready. */
struct vm_origin_row {
	int time_factor;  /* multiple of the usual start timeout, if the backend has templates */
	int64_t most_ms;  /* upper limit; 0: none */
	bool is_restored; /* its agent was running before: it gets the request `restored` */
	bool new_names;   /* with new names, because it is a copy */
	enum {
		FAILURE_ENDS,    /* the sandbox ends */
		FAILURE_PAUSES,  /* the saved VM is intact */
		FAILURE_RETRIES, /* another origin is tried, if possible */
	} failure;
};
extern const struct vm_origin_row vm_origins[];

struct vm_core {
	TAILQ_ENTRY(vm_core) entry;
	struct vm *vm;
	char *owner;
	enum vm_state state;
	bool internal;   /* (a template being created, a member of the warm pool): owner "" */
	bool keep;       /* it continues when the server ends */
	bool is_default; /* the newest default sandbox of its owner, ended or not */
	bool was_ready;
	bool torn_down;      /* all callbacks have been notified of the end */
	bool kept;           /* its files remain, for a later server */
	unsigned refs;       /* references that delay freeing after its end */
	struct vm_spec spec; /* complete and owned; vm->spec points here */
	struct err why;      /* valid from VM_STOPPING on */
	struct buf notes;
	bool untold_size; /* the display was resized, and no result has told it yet */
	uint64_t start_us;
	sd_event_source *teardown;
	sd_event_source *notify_state;

	/* Its directory in <state>/sandboxes; "" for backends that need none. */
	char *dir, *from; /* vm->dir and vm->from point here */
	int lock;         /* of the directory; or -1 */

	struct vm_times times;
	unsigned users; /* vm_use() */

	/* private to instance.c */
	enum vm_machine machine;
	enum vm_origin origin;     /* of its current or last VM */
	uint64_t restored_us;      /* time of the last `restored`; 0: never */
	int64_t restored_clock_us; /* the wall clock's offset from loop_now_us() then */
	bool lost;                 /* the link broke when this was expected */
	void (*on_halted)(struct vm_core *core);
	sd_event_source *halted, *start_timer, *lost_timer, *silence_timer;
	unsigned relinks;

	struct vm_job *job;     /* has exclusive access, or NULL */
	struct vm_jobs refused; /* not reported yet */

	unsigned stages_before; /* steps of a previous start, added to its own */

	struct vm_lease *lease; /* control.c; NULL: the agent always had control */

	bool said_hello;
	unsigned stages; /* one bit per completed stage */
	const char *last_stage;
	unsigned restarts; /* of its services */
	struct vm_waits waits;

	unsigned watches;
	bool watch_asked, watch_sent; /* an answer is pending; the last value sent */
	uint64_t screen_us;           /* time of the last notification */
	sd_event_source *screen_timer;

	struct guest guest; /* the agent */
	uint64_t save_ms;   /* maximum time for the backend to write it */
};

/* ---- pool.c ---- */

/* Notifies the pool's listeners, of which there are none while it is freed. */
#define VM_NOTIFY(pool, event, ...) \
	do { \
		if (!(pool)->freeing) { \
			LISTENERS_NOTIFY( \
				&(pool)->listeners, struct vm_listener, event, __VA_ARGS__); \
		} \
	} while (0)

void vm_config_fill(struct vm_config *config); /* sets all defaults */
static inline void vm_default_to(int64_t *value, int64_t default_value)
{
	*value = *value > 0 ? *value : default_value;
}

/* Initializes a zeroed pool: without sandboxes; its parts are not notified yet. */
void vm_pool_init(struct vm_pool *pool, sd_event *event, const struct vm_config *config,
	const struct vm_backend *const *backends, const struct vm_part *const *parts);
/* Initializes a zeroed core and its struct vm: another sandbox in the pool's list, starting,
 * without a VM.  Takes spec's contents. */
struct vm *vm_init(struct vm_core *core, struct vm_pool *pool, const struct vm_backend *backend,
	const char *owner, struct vm_spec *spec);
/* Frees ended sandboxes beyond the limit. */
void vm_forget_some(struct vm_pool *pool);
/* Removes one whose start failed inside its creation. */
void vm_undo(struct vm *vm, const struct err *why);
/* It has a VM, or will have one soon. */
static inline bool vm_is_live(const struct vm_core *core)
{
	return core->state == VM_STARTING || core->state == VM_READY;
}

/* ---- limits.c ---- */

/* Whether the owner may have n more. */
bool vm_may_create(struct vm_pool *pool, const char *owner, int64_t n, struct err *err) NODISCARD;
/* Whether the limits permit to resume it, as for a new one. */
bool vm_may_resume(const struct vm *vm, struct err *err) NODISCARD;
/* With saved and saved_mib set. */
struct vm_owner_limits vm_limits_of(const struct vm_pool *pool, const char *owner);

/* ---- backend_choice.c ---- */

/* The configured backend; with "auto" one that is likely to work. */
const struct vm_backend *vm_backend_for(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err) NODISCARD;

/* NULL: not found */
const struct vm_backend *vm_backend_named(const struct vm_pool *pool, const char *name);
/* The first feature of the spec that the backend lacks, as in "images need"; NULL: none. */
const char *vm_backend_lacks(const struct vm_backend *backend, const struct vm_spec *spec);
/* "forks need the microvm backend; this sandbox runs on namespace"; returns false. */
bool vm_cannot(const struct vm_pool *pool, const struct vm_backend *backend, const char *what,
	struct err *err);

/* ---- sandbox_state.c ---- */

/* Otherwise err says why not and what to do. */
bool vm_must_be_ready(const struct vm *vm, struct err *err) NODISCARD;
void vm_changed(struct vm *vm); /* notifies the parts */
void vm_used(struct vm *vm);

/* The only function that changes core->state.  Listeners are notified from the loop. */
void vm_set_state(struct vm_core *core, enum vm_state state);
/* Whether it is starting from there. */
bool vm_comes_from(const struct vm_core *core, enum vm_origin origin);
/* ERR_GONE, or the reason of a failed start. */
void vm_end_error(const struct vm *vm, struct err *ret_err);

/* ---- lifecycle.c ---- */

/* Ends it: kills it immediately and notifies all waits from the loop.  Only the first reason
 * counts. */
void vm_end(struct vm *vm, const struct err *why);
/* The pool ends: detaches from a sandbox that continues without it. */
void vm_keep_if_wanted(struct vm_core *core);
/* Its VM failed to start, or failed later.  A sandbox being resumed is paused again, one from a bad
 * template gets another start, others end. */
void vm_failed(struct vm *vm, const struct err *why);
/* The agent violated the protocol: completes *err ("the sandbox's agent sent ...") and ends the
 * sandbox. */
void vm_agent_broke(struct vm *vm, struct err *err);
/* When the pool is freed: calls everything that is pending, and releases. */
void vm_tear_down_now(struct vm_core *core);
void vm_release_when_over(struct vm_core *core);
void vm_is_ready(struct vm *vm);
/* Its VM is saved in saved/ and has ended. */
void vm_is_paused(struct vm *vm);

/* ---- waits.c ---- */

/* Notifies the waits. */
void vm_notify_stage(struct vm_core *core, const char *stage, unsigned step, unsigned of);
/* They are over: all, or those that are not deferred to the loop.  err NULL: it is ready. */
void vm_waits_done(struct vm_core *core, const struct err *err, bool all);
/* Resumes a paused sandbox if there are waits. */
void vm_resume_if_wanted(struct vm *vm);
/* Reports ready to the waits that began while it was neither ready nor ending. */
void vm_notify_ready(struct vm *vm);

/* ---- notes.c ---- */

/* To listeners immediately; the next result contains it as a note. */
void vm_notify(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);
void vm_add_note(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);

/* ---- instance.c ---- */

/* Starts a new VM for a sandbox without one.  from: the directory of the saved VM, copied; NULL for
 * origins without one.  False: the caller must call vm_failed() or vm_end(). */
bool vm_machine_start(
	struct vm *vm, enum vm_origin origin, const char *from, struct err *err) NODISCARD;
/* Ends the VM, if there is one; on_halted is called from the loop when nothing is left of it (NULL:
 * vm_release_when_over()).  Open calls stay open. */
void vm_machine_halt(struct vm_core *core, void (*on_halted)(struct vm_core *core));
/* Detaches from a running VM, for a later server. */
void vm_machine_leave(struct vm_core *core);
/* Immediately, and waits for it: when the pool is freed. */
void vm_machine_halt_now(struct vm_core *core);
/* The time until it must be ready begins. */
void vm_start_clock(struct vm *vm);
/* Creates its directory, if necessary. */
bool vm_need_dir(struct vm *vm, struct err *err) NODISCARD;

/* ---- agent_link.c ---- */

/* A ready one gets an owner.  It is ready again when its agent responds; if its clock may be wrong,
 * it first gets the time. */
void vm_machine_claim(struct vm *vm);
/* The link broke.  The backend has a moment to report a reason (a process that died), then this one
 * is used. */
void vm_lost_link(struct vm *vm, const struct err *why);
void vm_link_drop(struct vm_core *core);

/* ---- operation.c ---- */

/*
 * An operation with exclusive access to a sandbox, embedded in the operation's state.  Its
 * functions are called from the loop; ended() is the last.
 */
struct vm_job {
	const char *word; /* "pause" */
	struct vm *vm;
	void (*saved)(struct vm_job *job, const struct err *err); /* err NULL: success */
	/* The sandbox has ended meanwhile, or the operation was refused. */
	void (*ended)(struct vm_job *job, const struct err *why);
	bool leaves; /* the sandbox is not ready afterwards: waits continue */
	/* private to operation.c */
	TAILQ_ENTRY(vm_job) entry;
	sd_event_source *refusal;
	struct err refused;
	char *dir;
	bool last, held;
	struct freezing *freezing;
	sd_event_source *timer;
	bool saving;
};
/* Refuses it: ended() is called from the loop. */
void vm_job_refuse(struct vm_job *job, struct vm *vm, const struct err *why);
void vm_jobs_refuse_now(struct vm_core *core);
/* Whether an operation may start now. */
bool vm_job_may(const struct vm *vm, const char *word, struct err *err) NODISCARD;
void vm_job_begin(struct vm_job *job, struct vm *vm, const char *word);
/* Releases the sandbox; waiting calls continue. */
void vm_job_over(struct vm_job *job);
/* Freezes the agent, writes the VM into dir and, unless `last`, thaws it; then calls saved(). */
void vm_job_save(struct vm_job *job, const char *dir, bool last);
/* Stops it without a callback. */
void vm_job_drop(struct vm_job *job);

/* ---- agent_events.c ---- */

#define VM_STAGES 6 /* of a start */

extern const struct guest_handlers vm_guest_handlers; /* data is the vm */

/* ---- screen_watch.c ---- */

void vm_screen_changed(struct vm *vm); /* tells listeners, at a bounded rate */
void vm_watch_again(struct vm *vm);    /* repeats the last `watch` for a new agent */

/* ---- control.c ---- */

/* Notifies pending requests for a user that it has ended. */
void control_over(struct vm *vm, const struct err *why);
void control_free(struct vm *vm);

#endif

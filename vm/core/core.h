#ifndef VM_CORE_CORE_H
#define VM_CORE_CORE_H

/*
 * What the core's files share with vm/lifecycle, and nobody else includes.
 *
 * A sandbox (struct vm) lives through one or more machines of its backend, one after the other: a
 * pause ends one and a resume starts the next, a rollback does both.  instance.c starts and ends
 * them, lifecycle.c moves the sandbox from state to state, and an operation (pause, snapshot, fork,
 * rollback) is a struct vm_job that has the sandbox to itself.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/listener.h"
#include "vm/core/backend.h"
#include "vm/core/control.h"
#include "vm/guest/owner.h"
#include "vm/state/state.h"

#include <sys/queue.h>

#define VM_REMEMBERED \
	32 /* ended sandboxes whose reason is kept, so that a later call can say it \
	    */

#define VM_SAVED_DIR "saved" /* in a paused sandbox's directory */

TAILQ_HEAD(vm_list, vm_core);
TAILQ_HEAD(vm_waits, vm_wait);
TAILQ_HEAD(vm_jobs, vm_job);

/*
 * A part of what a pool can do that the core does not know: it is told what happens.  Parts are
 * asked in the order of their table.  A member may be NULL.
 */
struct vm_part {
	void (*begun)(struct vm_pool *pool); /* there is no sandbox yet */
	void (*changed)(struct vm *vm);      /* it is ready, paused or gone now */
	void (*used)(struct vm *vm);         /* a call began or ended, or somebody came or went */
	/* It did not come up from where it came from (ORIGIN_...).  True: it gets another start. */
	bool (*failed)(struct vm *vm, const struct err *why);
	void (*ending)(struct vm *vm);       /* it stops now */
	void (*forgotten)(struct vm *vm);    /* it is freed next */
	void (*freed)(struct vm_pool *pool); /* nothing runs in it any more */
};

struct vm_pool {
	sd_event *event;
	struct vm_config config;                  /* with every default filled in */
	const struct vm_backend *const *backends; /* in order of preference; NULL-ended */
	const struct vm_part *const *parts;       /* NULL-ended */
	struct vm_list vms;                       /* oldest first, the remembered ones among them */
	bool freeing;
	struct state *state;        /* NULL before it was needed: vm_pool_state() */
	struct err no_state;        /* why it cannot be had, said once */
	struct err guessed;         /* why "auto" is not the first choice, said once */
	struct listeners listeners; /* struct vm_listener */
	vm_owner_limits_fn *owner_limits;
	void *owner_limits_data;
};

enum vm_machine {
	MACHINE_NONE,   /* nothing of it: the next may start */
	MACHINE_RUNS,   /* or is coming up */
	MACHINE_ENDING, /* vm_has_died() will come */
	MACHINE_ENDED,  /* to be released */
};

/* What a machine comes from. */
enum vm_origin {
	ORIGIN_BOOT,     /* nothing */
	ORIGIN_TEMPLATE, /* a copy of a template, */
	ORIGIN_SNAPSHOT, /* of a snapshot, or of another sandbox */
	ORIGIN_RESUME,   /* <dir>/saved, which goes when it is ready; a rollback's, too */
	ORIGIN_WARM,     /* the reserve: it ran already, and was given an owner */
	ORIGIN_REATTACH, /* an earlier server: it runs */
};

/* What that means until it is ready. */
struct vm_origin_row {
	int time_factor;  /* so many times the usual may it take, where the backend has templates */
	int64_t most_ms;  /* but never longer than this; 0: as long */
	bool is_restored; /* its agent ran before: it is told that time has passed */
	bool new_names;   /* and that it must not keep the names of what it is a copy of */
	enum {
		FAILURE_ENDS,        /* the sandbox */
		FAILURE_PAUSES,      /* what was saved is still whole */
		FAILURE_STARTS_ANEW, /* perhaps: another origin may do */
	} failure;
};
extern const struct vm_origin_row vm_origins[];

struct vm_core {
	TAILQ_ENTRY(vm_core) entry;
	struct vm *vm;
	char *owner;
	enum vm_state state;
	bool hidden; /* the pool's own (a template being made, a member of the reserve): owner "" */
	bool keep;   /* it goes on when the server ends */
	bool is_default; /* the newest default of its owner, ended or not */
	bool was_ready;
	bool buried;         /* every callback has been told of the end */
	bool kept;           /* what is on disk stays, for a later server */
	unsigned pins;       /* something still needs it after its end */
	struct vm_spec spec; /* complete and owned; vm->spec points here */
	struct err why;      /* valid from VM_STOPPING on */
	struct buf notes;
	uint64_t start_us;
	sd_event_source *burial;
	sd_event_source *tell_state;

	/* Its directory under <state>/sandboxes; "" for backends that need none. */
	char *dir, *from; /* vm->dir and vm->from point here */
	int lock;         /* of the directory, or -1 */

	struct vm_times times;
	unsigned users; /* vm_use() */

	/* instance.c's */
	enum vm_machine machine;
	enum vm_origin origin;    /* of the machine it has, or had last */
	uint64_t renewed_us;      /* when it was told the time last; 0: never */
	int64_t renewed_clock_us; /* and what the wall clock was ahead of loop_now_us() then */
	bool lost;                /* the link broke while that was to be expected */
	void (*on_halted)(struct vm_core *core);
	sd_event_source *halted, *start_timer, *lost_timer, *silence_timer;
	unsigned relinks;

	struct vm_job *job;     /* has the sandbox to itself, or NULL */
	struct vm_jobs refused; /* not told yet */

	unsigned stages_before; /* steps of another start, counted before its own */

	struct vm_lease *lease; /* control.c's; NULL: the agent always had control */

	bool said_hello;
	unsigned stages; /* a bit for each that was seen */
	const char *last_stage;
	unsigned restarts; /* of its parts */
	struct vm_waits waits;

	unsigned watches;
	bool watch_asked, watch_sent; /* the agent owes an answer; what it was told last */
	uint64_t screen_us;           /* when the listener was told last */
	sd_event_source *screen_timer;

	struct guest guest; /* its agent */
	uint64_t save_ms;   /* the backend may take that long to write it */
};

/* ---- pool.c ---- */

/* Tells those who listen to the pool, which nobody does when it is freed. */
#define VM_TELL(pool, event, ...) \
	do { \
		if (!(pool)->freeing) { \
			LISTENERS_NOTIFY( \
				&(pool)->listeners, struct vm_listener, event, __VA_ARGS__); \
		} \
	} while (0)

void vm_config_fill(struct vm_config *config); /* every default */
static inline void vm_default_to(int64_t *value, int64_t preset)
{
	*value = *value > 0 ? *value : preset;
}

/* Fills in a pool that was zeroed: without sandboxes, its parts not told yet. */
void vm_pool_init(struct vm_pool *pool, sd_event *event, const struct vm_config *config,
	const struct vm_backend *const *backends, const struct vm_part *const *parts);
/* Fills in a core that was zeroed, and makes its struct vm: another sandbox in the pool's list,
 * starting, without a machine yet.  Takes spec's insides. */
struct vm *vm_init(struct vm_core *core, struct vm_pool *pool, const struct vm_backend *backend,
	const char *owner, struct vm_spec *spec);
/* Whether the owner may have n more. */
bool vm_may_create(struct vm_pool *pool, const char *owner, int64_t n, struct err *err) NODISCARD;
/* Whether a paused one may be live again, as for a new one. */
bool vm_may_resume(const struct vm *vm, struct err *err) NODISCARD;
/* Frees ended ones that nobody will ask for. */
void vm_forget_some(struct vm_pool *pool);
/* One whose start failed inside its creation: nobody has seen it. */
void vm_undo(struct vm *vm, const struct err *why);
/* saved and saved_mib are filled in. */
struct vm_owner_limits vm_limits_of(const struct vm_pool *pool, const char *owner);

/* ---- backend_choice.c ---- */

/* The configured backend; with "auto" the one that is likely to work. */
const struct vm_backend *vm_backend_for(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err) NODISCARD;

/* NULL: there is none */
const struct vm_backend *vm_backend_named(const struct vm_pool *pool, const char *name);
/* What of the spec the backend does not have, as in "images need"; NULL: nothing. */
const char *vm_backend_lacks(const struct vm_backend *backend, const struct vm_spec *spec);
/* "forks need the microvm backend; this sandbox runs on namespace": false. */
bool vm_cannot(const struct vm_pool *pool, const struct vm_backend *backend, const char *what,
	struct err *err);

/* ---- lifecycle.c ---- */

/* Says why not, and what to do. */
bool vm_must_be_ready(const struct vm *vm, struct err *err) NODISCARD;
void vm_changed(struct vm *vm); /* tells the parts */
void vm_used(struct vm *vm);

/* The only way to change core->state: whoever listens is told, from the loop. */
void vm_set_state(struct vm_core *core, enum vm_state state);
/* Ends it: kills at once, tells everyone who waits from the loop.  Only the first reason counts. */
void vm_end(struct vm *vm, const struct err *why);
/* The pool ends: one that is to go on without it is let go of. */
void vm_keep_if_wanted(struct vm_core *core);
/* Its machine did not come up, or failed later.  One that was being resumed is paused again, one
 * from a bad template gets another chance, any other ends. */
void vm_failed(struct vm *vm, const struct err *why);
/* The agent broke the protocol: says so in *err ("the sandbox's agent sent ...") and ends the
 * sandbox. */
void vm_agent_broke(struct vm *vm, struct err *err);
/* ERR_GONE, or what kept it from starting. */
void vm_end_error(const struct vm *vm, struct err *ret_err);
/* For the pool's end: tells everyone now, whatever is deferred included, and releases. */
void vm_bury_now(struct vm_core *core);
void vm_release_when_over(struct vm_core *core);
/* Tells those who wait. */
void vm_tell_stage(struct vm_core *core, const char *stage, unsigned step, unsigned of);
void vm_is_ready(struct vm *vm);
/* Its machine is on disk in saved/ and nothing of it is left. */
void vm_is_paused(struct vm *vm);
/* Resumes a paused one that somebody waits for. */
void vm_resume_if_wanted(struct vm *vm);
/* Those who waited while it was neither ready nor ending hear that it is ready (still, or again).
 */
void vm_tell_ready(struct vm *vm);
/* For logs, at once; a note waits for the next result. */
void vm_tell_news(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);
void vm_add_note(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);

/* ---- instance.c ---- */

/* A new machine for a sandbox that has none.  from: the directory of what was saved, copied; NULL
 * for origins that have none.  False: vm_failed() or vm_end() is the caller's. */
bool vm_machine_start(
	struct vm *vm, enum vm_origin origin, const char *from, struct err *err) NODISCARD;
/* Whether it is on its way up, from there. */
bool vm_comes_from(const struct vm_core *core, enum vm_origin origin);
/* Ends the machine, if there is one; on_halted comes from the loop when nothing is left of it
 * (NULL: vm_release_when_over()).  Open calls stay open. */
void vm_machine_halt(struct vm_core *core, void (*on_halted)(struct vm_core *core));
/* Lets go of a running one, for a later server. */
void vm_machine_leave(struct vm_core *core);
/* Now, waiting for it: when the pool ends. */
void vm_machine_halt_now(struct vm_core *core);
/* One that is ready gets an owner: it is ready again when its agent answers, and is told the time
 * first where its clock may be wrong. */
void vm_machine_claim(struct vm *vm);
/* The link broke.  The backend has a moment to say why (a process that died), then it counts as
 * ended for this reason. */
void vm_lost_link(struct vm *vm, const struct err *why);
/* Its directory, made now if it is not there yet. */
bool vm_need_dir(struct vm *vm, struct err *err) NODISCARD;

/* ---- operation.c ---- */

/*
 * An operation that needs a sandbox for itself.  Embedded in what the operation keeps.  Its
 * functions are called from the loop, and with ended() it is over.
 */
struct vm_job {
	const char *word; /* "pause" */
	struct vm *vm;
	void (*saved)(struct vm_job *job, const struct err *err); /* err NULL: it was */
	/* The sandbox did meanwhile, or it was refused: the last that comes. */
	void (*ended)(struct vm_job *job, const struct err *why);
	bool leaves; /* the sandbox is not ready afterwards: who waits for it waits on */
	/* operation.c's */
	TAILQ_ENTRY(vm_job) entry;
	sd_event_source *refusal;
	struct err refused;
	char *dir;
	bool last, held;
	struct freezing *freezing;
	sd_event_source *timer;
	bool saving;
};
/* It may not begin: ended() comes from the loop. */
void vm_job_refuse(struct vm_job *job, struct vm *vm, const struct err *why);
void vm_jobs_refuse_now(struct vm_core *core);
/* Whether one may begin now. */
bool vm_job_may(const struct vm *vm, const char *word, struct err *err) NODISCARD;
void vm_job_begin(struct vm_job *job, struct vm *vm, const char *word);
/* The sandbox is free for others; calls that waited go on. */
void vm_job_over(struct vm_job *job);
/* Freezes the agent, writes the machine into dir and, unless it is the last, thaws it; then
 * saved(). */
void vm_job_save(struct vm_job *job, const char *dir, bool last);
/* Stops what is under way, without a callback. */
void vm_job_drop(struct vm_job *job);

/* ---- agent_events.c ---- */

#define VM_STAGES 5 /* of a start */

extern const struct guest_handlers vm_guest_handlers; /* data is the vm */
void vm_watch_again(struct vm *vm); /* tells an agent that has just come up, if somebody watches */

/* ---- control.c ---- */

/* Tells those who asked for a person that it has ended. */
void control_over(struct vm *vm, const struct err *why);
void control_free(struct vm *vm);

#endif

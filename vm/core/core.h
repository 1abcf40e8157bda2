#ifndef VM_CORE_CORE_H
#define VM_CORE_CORE_H

/*
 * What the files of the core share, and nobody else includes.
 *
 * A sandbox (struct vm) lives through one or more machines of its backend, one after the other: a
 * pause ends one and a resume starts the next, a rollback does both.  instance.c starts and ends
 * them, lifecycle.c moves the sandbox from state to state, and an operation (pause, snapshot, fork,
 * rollback) is a struct vm_job that has the sandbox to itself.
 */

#include "base/buf.h"
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
TAILQ_HEAD(vm_templates, vm_template);
TAILQ_HEAD(vm_places, vm_place);

struct vm_pool {
	sd_event *event;
	struct vm_config config;                  /* with every default filled in */
	const struct vm_backend *const *backends; /* in order of preference; NULL-ended */
	struct vm_list vms;                       /* oldest first, the remembered ones among them */
	bool freeing;
	struct state *state;           /* NULL before it was needed: vm_pool_state() */
	struct err no_state;           /* why it cannot be had, said once */
	struct err guessed;            /* why "auto" is not the first choice, said once */
	struct vm_templates templates; /* being made, or used */
	bool collected;                /* of templates, what nobody uses */
	struct vm_warm *warm;          /* the reserve, or NULL */
	void *snapshots;               /* vm/lifecycle/snapshots.c's */
	struct vm_places places;       /* quota.c's: of what is being saved */
	vm_screen_fn *on_screen;
	void *on_screen_data;
	vm_news_fn *on_news;
	void *on_news_data;
	vm_ended_fn *on_ended;
	void *on_ended_data;
	vm_state_fn *on_state;
	void *on_state_data;
	vm_control_fn *on_control;
	void *on_control_data;
	vm_started_fn *on_started;
	void *on_started_data;
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
	bool warm;   /* hidden, in reserve: */
	size_t warm_kind;
	char *warm_key;  /* of its template; NULL: it is in no reserve */
	bool keep;       /* it goes on when the server ends */
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

	/* vm/lifecycle/timeout.c's; times.created and times.ready are lifecycle.c's */
	struct vm_times times;
	uint64_t timeout_us, idle_us; /* due, CLOCK_MONOTONIC, while there is a timer */
	unsigned users;               /* vm_use() */
	sd_event_source *timeout_timer, *idle_timer;

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

	/* vm/lifecycle/template.c's */
	struct vm_template *template; /* it waits for this one */
	TAILQ_ENTRY(vm_core) template_entry;
	char *template_key; /* it was started from this one */
	uint64_t template_inode;
	bool template_again;    /* it was made anew once for this sandbox */
	unsigned stages_before; /* steps of the template's making, counted before its own */

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

void vm_config_fill(struct vm_config *config); /* every default */
static inline void vm_default_to(int64_t *value, int64_t preset)
{
	*value = *value > 0 ? *value : preset;
}

/* ---- backend_choice.c ---- */

/* NULL: there is none */
const struct vm_backend *vm_backend_named(const struct vm_pool *pool, const char *name);
/* What of the spec the backend does not have, as in "images need"; NULL: nothing. */
const char *vm_backend_lacks(const struct vm_backend *backend, const struct vm_spec *spec);
/* "forks need the microvm backend; this sandbox runs on namespace": false. */
bool vm_cannot(const struct vm_pool *pool, const struct vm_backend *backend, const char *what,
	struct err *err);

/* ---- vm/lifecycle/create.c, and pool.c ---- */

/* vm_create() of the pool's preset on a backend of the caller's (a test's). */
struct vm *vm_create_on(const struct vm_backend *backend, struct vm_pool *pool, const char *owner,
	struct err *err) NODISCARD;

/* Whether a paused one may be live again, as for a new one. */
bool vm_may_resume(const struct vm *vm, struct err *err) NODISCARD;
/* Whether the owner may have n more. */
bool vm_may_create(struct vm_pool *pool, const char *owner, int64_t n, struct err *err) NODISCARD;
/* Another sandbox in the list, starting, without a machine yet.  Takes spec's insides. */
struct vm *vm_new(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	struct vm_spec *spec);
/* Its directory, clocks and record, and a machine: a new copy of what was saved in from, or (NULL)
 * one that boots. */
bool vm_begin_from(struct vm *vm, const char *from, struct err *err) NODISCARD;
/* Likewise, for a new one: from its snapshot, its template, or nothing. */
bool vm_begin_new(struct vm *vm, struct err *err) NODISCARD;
/* The configured backend; with "auto" the one that is likely to work. */
const struct vm_backend *vm_backend_for(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err) NODISCARD;
/* Frees ended ones that nobody will ask for. */
void vm_forget_some(struct vm_pool *pool);
/* One whose start failed inside its creation: nobody has seen it. */
void vm_undo(struct vm *vm, const struct err *why);
int64_t vm_now_ms(void); /* CLOCK_REALTIME */

/* What an earlier server left in <state>/sandboxes/<id>; all of it is copied, lock is taken. */
struct vm_left {
	const char *backend, *id, *owner;
	const struct vm_spec *spec; /* complete */
	struct vm_times times;
	bool is_default, keep;
	bool paused; /* else it ran, and backend->adopt() takes it over */
	int lock;    /* state_lock() of its directory */
};
/* Puts it back into the pool, paused or starting.  NULL: it could not be; its directory is as it
 * was. */
struct vm *vm_put_back(struct vm_pool *pool, const struct vm_left *left, struct err *err) NODISCARD;

/* ---- quota.c ---- */

/* saved and saved_mib are filled in. */
struct vm_owner_limits vm_limits_of(const struct vm_pool *pool, const char *owner);
/* One of the saved machines that an owner may have, held while it is written.  Zeroed at first. */
struct vm_place {
	TAILQ_ENTRY(vm_place) entry;
	struct vm_pool *pool; /* NULL: it is not held */
	const char *owner, *id;
};
/* Takes a place for one more saved machine of vm's owner: a snapshot (its id), or a sandbox that is
 * paused ("").  False: the owner may have no more.  The place counts until it is released; the
 * snapshot of that id counts from then on.  vm and id stay valid until then. */
bool vm_quota_reserve(
	struct vm_place *place, const struct vm *vm, const char *id, struct err *err) NODISCARD;
/* It was saved, or will not be.  Nothing happens to one that is not held. */
void vm_quota_release(struct vm_place *place);
/* Whether what the owner has saved, without what is being saved, is within its limits. */
bool vm_quota_holds(struct vm_pool *pool, const char *owner, struct err *err) NODISCARD;
/* Whether the disk has the room to pause every sandbox that runs. */
bool vm_quota_leaves_room(struct vm_pool *pool, struct err *err) NODISCARD;

/* ---- vm/lifecycle/timeout.c: absolute and idle timeouts ---- */

/* Sets the clocks of a sandbox that was made, put back or taken out of the reserve; core->times
 * holds what is known. */
void vm_timeout_begin(struct vm *vm);
/* A call began (or ended): the idle time starts again. */
void vm_timeout_touch(struct vm *vm);
void vm_timeout_end(struct vm *vm); /* it has ended */

/* ---- vm/lifecycle/metadata.c: sandbox.json ---- */

/* Writes what it is now; for those with a directory.  Called at each change of state, owner, labels
 * or timeouts; a failure is logged. */
void vm_record(struct vm *vm);
/* That it is paused, before it is: should the server die now, saved/ is what there is of it. */
bool vm_record_paused(struct vm *vm, struct err *err) NODISCARD;

/* ---- vm/lifecycle/snapshots.c ---- */

/* Writes snapshot.json into dir, which the backend's save() has filled. */
bool vm_snapshot_write(struct vm *vm, const char *dir, const char *id, const char *name,
	struct err *err) NODISCARD;
/* It is at its place now. Valid until the loop runs again. */
const struct vm_snapshot *vm_snapshot_added(
	struct vm_pool *pool, const char *id, struct err *err) NODISCARD;
/* Whether a new one of the owner may be called so.  vm_snapshot_write() asks too. */
bool vm_snapshot_name_check(
	struct vm_pool *pool, const char *owner, const char *name, struct err *err) NODISCARD;
void vm_snapshots_free(struct vm_pool *pool); /* pool->snapshots */

/* ---- lifecycle.c ---- */

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

/* ---- vm/lifecycle/template.c ---- */

/* Starts a new sandbox the quickest way there is: from its template, which is made first when it is
 * not there. */
bool vm_template_start(struct vm *vm, struct err *err) NODISCARD;
/* It did not come up, and its template is to blame: true when it waits for a new one. */
bool vm_template_start_again(struct vm *vm, const struct err *why);
/* It ends before its template is there. */
void vm_template_forget(struct vm_core *core);
void vm_templates_free(struct vm_pool *pool);

/* ---- vm/lifecycle/warm_pool.c ---- */

/* One of the reserve that is as asked for, now the owner's and being told so; NULL: none. */
struct vm *vm_warm_take(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	const struct vm_spec *spec);
/* What was taken is no good: true when it starts like a new one. */
bool vm_warm_start_again(struct vm *vm, const struct err *why);
void vm_warm_refill(struct vm_pool *pool); /* soon, when nothing else is going on */
void vm_warm_free(struct vm_pool *pool);

/* ---- agent_events.c ---- */

#define VM_STAGES 5                       /* of a start */
#define VM_TEMPLATE_STEPS (VM_STAGES + 2) /* of a template: booting, a start, opening programs */

extern const struct guest_handlers vm_guest_handlers; /* data is the vm */
void vm_watch_again(struct vm *vm); /* tells an agent that has just come up, if somebody watches */

/* ---- control.c ---- */

/* Tells those who asked for a person that it has ended. */
void control_over(struct vm *vm, const struct err *why);
void control_free(struct vm *vm);

#endif

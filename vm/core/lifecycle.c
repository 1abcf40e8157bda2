/*
 * The states of a sandbox: starting (link, hello, stages), ready, paused and starting again,
 * stopping, gone.  An end has two steps: vm_end() kills immediately, and the teardown, run from the
 * loop, notifies all waits, so no callback is called from inside a call.
 */

#include "vm/core/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOTES_MAX 2000 /* in bytes: a desktop that keeps crashing must not fill the next result */

struct vm_wait {
	TAILQ_ENTRY(vm_wait) entry;
	struct vm *vm;
	struct vm_wait_handlers handlers;
	void *data;
	unsigned told;             /* the last stage reported to it */
	sd_event_source *deferred; /* it was over when it began */
	struct err refused;        /* why a paused sandbox is not resumed for it */
};

static void tell_started(struct vm *vm, const struct err *why)
{
	if (!vm->core->hidden) {
		VM_TELL(vm->pool, started, vm, loop_now_us() - vm->core->start_us, why);
	}
}

static int on_tell_state(sd_event_source *source, void *data)
{
	struct vm_core *core = data;
	(void)source;
	loop_drop(&core->tell_state);
	VM_TELL(core->vm->pool, state, core->vm);
	return 0;
}

void vm_set_state(struct vm_core *core, enum vm_state state)
{
	bool is_heard = !STAILQ_EMPTY(&core->vm->pool->listeners.all);
	core->state = state;
	if (is_heard && !core->tell_state && !core->hidden) {
		core->tell_state = loop_defer(core->vm->pool->event, on_tell_state, core);
	}
}

void vm_changed(struct vm *vm)
{
	for (const struct vm_part *const *part = vm->pool->parts; *part; part++) {
		if ((*part)->changed) {
			(*part)->changed(vm);
		}
	}
}

void vm_used(struct vm *vm)
{
	for (const struct vm_part *const *part = vm->pool->parts; *part; part++) {
		if ((*part)->used) {
			(*part)->used(vm);
		}
	}
}

/* ---- end ---- */

void vm_end_error(const struct vm *vm, struct err *ret_err)
{
	const struct vm_core *core = vm->core;
	if (core->was_ready) {
		err_set(ret_err, ERR_GONE, "sandbox %s has ended: %s", vm->id, core->why.text);
	} else {
		err_set(ret_err, core->why.kind, "sandbox %s could not start: %s", vm->id,
			core->why.text);
	}
	vm_hide_paths(vm->pool, ret_err);
}

static void wait_done(struct vm_wait *wait, const struct err *err)
{
	TAILQ_REMOVE(&wait->vm->core->waits, wait, entry);
	loop_drop(&wait->deferred);
	wait->handlers.done(wait->vm, err, wait->data);
	free(wait);
}

/* A callback may cancel other waits or add new ones, so this restarts each time; new ones are
 * deferred. */
static void waits_done(struct vm_core *core, const struct err *err, bool all)
{
	struct vm_wait *wait;
	do {
		TAILQ_FOREACH(wait, &core->waits, entry)
		{
			if (all || !wait->deferred) {
				wait_done(wait, err);
				break;
			}
		}
	} while (wait);
}

/* Removes its files. */
static void remove_dir(struct vm_core *core)
{
	if (!core->dir) {
		return;
	}
	if (!core->kept) {
		state_remove(core->vm->pool->state, STATE_SANDBOXES, core->vm->id);
	}
	close(take_fd(&core->lock));
	free(take_ptr(&core->dir));
	core->vm->dir = NULL;
}

void vm_release_when_over(struct vm_core *core)
{
	if (core->state != VM_STOPPING || !core->buried || core->machine != MACHINE_NONE) {
		return;
	}
	remove_dir(core);
	vm_set_state(core, VM_GONE);
	log_debug("sandbox=%s gone", core->vm->id);
	vm_changed(core->vm);
}

static void tell_ended(struct vm *vm, const struct err *why)
{
	struct err told = vm->core->why;
	vm_hide_paths(vm->pool, &told);
	vm_tell_news(vm, "The sandbox ended: %s", told.text);
	VM_TELL(vm->pool, ended, vm, why);
}

static void bury(struct vm_core *core, bool all)
{
	struct err why, gone;
	loop_drop(&core->burial);
	vm_end_error(core->vm, &why);
	if (!core->buried && !core->hidden) {
		tell_ended(core->vm, &why);
	}
	core->buried = true;
	if (core->job) {
		struct vm_job *job = core->job;
		vm_job_drop(job);
		job->ended(job, &why);
	}
	if (all) {
		vm_jobs_refuse_now(core);
	}
	gone = why;
	gone.kind = ERR_GONE;
	guest_fail_calls(&core->guest, &gone, all);
	control_over(core->vm, &gone);
	waits_done(core, &why, all);
}

static int on_burial(sd_event_source *source, void *data)
{
	struct vm_core *core = data;
	(void)source;
	bury(core, false);
	vm_release_when_over(core);
	return 0;
}

void vm_bury_now(struct vm_core *core)
{
	bury(core, true);
	vm_machine_halt_now(core);
	vm_release_when_over(core);
}

void vm_end(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->state >= VM_STOPPING) {
		return;
	}
	vm_set_state(core, VM_STOPPING);
	core->why = *why;
	log_info("sandbox=%s ends: %s", vm->id, why->text);
	for (const struct vm_part *const *part = vm->pool->parts; *part; part++) {
		if ((*part)->ending) {
			(*part)->ending(vm);
		}
	}
	if (!core->was_ready) {
		tell_started(vm, why);
	}
	vm_machine_halt(core, NULL);
	core->burial = loop_defer(vm->pool->event, on_burial, core);
}

void vm_keep_if_wanted(struct vm_core *core)
{
	const struct vm_backend *backend = core->vm->backend;
	bool runs = core->state == VM_READY ||
		    (vm_comes_from(core, ORIGIN_REATTACH) && core->machine == MACHINE_RUNS);
	if (!core->keep || !core->dir || core->hidden) {
		return;
	}
	/* One that was being resumed is intact in saved/. */
	core->kept = core->state == VM_PAUSED || vm_comes_from(core, ORIGIN_RESUME) ||
		     (runs && backend->leave);
	if (core->kept && runs) {
		vm_machine_leave(core);
	}
}

static void on_resume_failed(struct vm_core *core)
{
	struct err why = core->why;
	vm_set_state(core, VM_PAUSED);
	vm_changed(core->vm);
	err_while(&why, "sandbox %s remains paused: it could not be resumed", core->vm->id);
	waits_done(core, &why, false);
}

/* Its saved VM is intact. */
static void pause_again(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	core->why = *why;
	vm_set_state(core, VM_STARTING);
	log_warning("sandbox=%s not resumed: %s", vm->id, why->text);
	vm_machine_halt(core, on_resume_failed);
}

static bool starts_anew(struct vm *vm, const struct err *why)
{
	for (const struct vm_part *const *part = vm->pool->parts; *part; part++) {
		if ((*part)->failed && (*part)->failed(vm, why)) {
			return true;
		}
	}
	return false;
}

void vm_failed(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	int failure = core->state == VM_STARTING ? vm_origins[core->origin].failure : FAILURE_ENDS;
	if (failure == FAILURE_PAUSES) {
		pause_again(vm, why);
	} else if (failure != FAILURE_STARTS_ANEW || !starts_anew(vm, why)) {
		vm_end(vm, why);
	}
}

void vm_stop(struct vm *vm, const char *why)
{
	struct err err;
	err_set(&err, ERR_GONE, "%s", why);
	vm_end(vm, &err);
}

void vm_agent_broke(struct vm *vm, struct err *err)
{
	if (vm_comes_from(vm->core,
		    ORIGIN_REATTACH)) { /* it may still be answering the previous server */
		vm_lost_link(vm, err);
		return;
	}
	err->kind = ERR_GONE;
	err_while(err, "its agent sent an invalid message");
	log_warning("sandbox=%s %s", vm->id, err->text);
	vm_end(vm, err);
}

/* ---- notes ---- */

void vm_tell_news(struct vm *vm, const char *fmt, ...)
{
	char text[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	VM_TELL(vm->pool, news, vm, text);
}

void vm_add_note(struct vm *vm, const char *fmt, ...)
{
	struct buf *notes = &vm->core->notes;
	char text[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (notes->len + strlen(text) < NOTES_MAX) {
		buf_printf(notes, "%s%s", notes->len ? " " : "", text);
	}
}

char *vm_take_note(struct vm *vm)
{
	struct buf *notes = &vm->core->notes;
	if (!notes->len) {
		return NULL;
	}
	char *text = must(strdup(buf_text(notes)));
	buf_done(notes);
	return text;
}

/* ---- start ---- */

/* A callback may cancel waits, so this restarts each time. */
void vm_tell_stage(struct vm_core *core, const char *stage, unsigned step, unsigned of)
{
	struct vm_wait *wait;
	do {
		TAILQ_FOREACH(wait, &core->waits, entry)
		{
			if (wait->told < step) {
				wait->told = step;
				if (wait->handlers.stage) {
					wait->handlers.stage(stage, step, of, wait->data);
				}
				break;
			}
		}
	} while (wait);
}

void vm_tell_ready(struct vm *vm)
{
	waits_done(vm->core, NULL, false);
}

void vm_is_ready(struct vm *vm)
{
	struct vm_core *core = vm->core;
	bool first = !core->was_ready, resumed = vm_comes_from(core, ORIGIN_RESUME);
	vm_set_state(core, VM_READY);
	core->was_ready = true;
	loop_drop(&core->start_timer);
	core->times.ready = clock_wall_ms();
	if (resumed) {
		state_remove_in(vm->pool->state, STATE_SANDBOXES, vm->id, VM_SAVED_DIR);
	}
	if (first) {
		tell_started(vm, NULL);
	}
	vm_changed(vm);
	vm_watch_again(vm);
	vm_tell_ready(vm);
}

/* ---- pause and resume ---- */

static void resume(struct vm *vm)
{
	struct vm_core *core = vm->core;
	auto_free char *saved = NULL;
	struct err err;
	if (asprintf(&saved, "%s/%s", core->dir, VM_SAVED_DIR) < 0) {
		abort();
	}
	log_info("sandbox=%s resumes", vm->id);
	if (!vm_machine_start(vm, ORIGIN_RESUME, saved, &err)) {
		vm_failed(vm, &err);
	}
}

void vm_is_paused(struct vm *vm)
{
	vm_set_state(vm->core, VM_PAUSED);
	log_info("sandbox=%s paused", vm->id);
	vm_changed(vm);
}

void vm_resume_if_wanted(struct vm *vm)
{
	struct err why;
	if (vm->core->state != VM_PAUSED || TAILQ_EMPTY(&vm->core->waits)) {
		return;
	}
	if (vm_may_resume(vm, &why)) {
		resume(vm);
	} else {
		waits_done(vm->core, &why, false);
	}
}

/* ---- waits ---- */

static bool is_over(const struct vm_core *core)
{
	return core->buried || (core->state == VM_READY && !(core->job && core->job->leaves));
}

static int on_wait_over(sd_event_source *source, void *data);

/* It has ended, or must be resumed. */
static void wait_begin(struct vm_wait *wait)
{
	struct vm *vm = wait->vm;
	bool asleep = vm->core->state == VM_PAUSED && !vm->core->job;
	if (is_over(vm->core) || (asleep && !vm_may_resume(vm, &wait->refused))) {
		wait->deferred = loop_defer(vm->pool->event, on_wait_over, wait);
	} else if (asleep) {
		resume(vm);
	}
}

static int on_wait_over(sd_event_source *source, void *data)
{
	struct vm_wait *wait = data;
	struct err why = wait->refused;
	(void)source;
	if (why.kind != ERR_NONE) {
		wait_done(wait, &why);
	} else if (!is_over(wait->vm->core)) {
		loop_drop(&wait->deferred);
		wait_begin(wait);
	} else if (wait->vm->core->state == VM_READY) {
		wait_done(wait, NULL);
	} else {
		vm_end_error(wait->vm, &why);
		wait_done(wait, &why);
	}
	return 0;
}

struct vm_wait *vm_wait(struct vm *vm, const struct vm_wait_handlers *handlers, void *data)
{
	struct vm_wait *wait = must(calloc(1, sizeof(*wait)));
	wait->vm = vm;
	wait->handlers = *handlers;
	wait->data = data;
	TAILQ_INSERT_TAIL(&vm->core->waits, wait, entry);
	wait_begin(wait);
	return wait;
}

void vm_wait_cancel(struct vm_wait *wait)
{
	if (!wait) {
		return;
	}
	TAILQ_REMOVE(&wait->vm->core->waits, wait, entry);
	loop_drop(&wait->deferred);
	free(wait);
}

bool vm_must_be_ready(const struct vm *vm, struct err *err)
{
	const struct vm_core *core = vm->core;
	if (core->state == VM_STARTING) {
		return err_set(err, ERR_STATE,
			"sandbox %s is still starting; try again in a second", vm->id);
	}
	if (core->state == VM_PAUSED) {
		return err_set(err, ERR_STATE, "sandbox %s is paused; resume it first", vm->id);
	}
	if (core->state != VM_READY) {
		vm_end_error(vm, err);
		err->kind = ERR_GONE;
		return false;
	}
	return true;
}

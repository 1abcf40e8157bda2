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

static void notify_started(struct vm *vm, const struct err *why)
{
	if (!vm->core->internal) {
		VM_NOTIFY(vm->pool, started, vm, loop_now_us() - vm->core->start_us, why);
	}
}

/* ---- end ---- */

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
	if (core->state != VM_STOPPING || !core->torn_down || core->machine != MACHINE_NONE) {
		return;
	}
	remove_dir(core);
	vm_set_state(core, VM_GONE);
	log_debug("sandbox=%s gone", core->vm->id);
	vm_changed(core->vm);
}

static void notify_ended(struct vm *vm, const struct err *why)
{
	struct err reported = vm->core->why;
	vm_hide_paths(vm->pool, &reported);
	vm_notify(vm, "The sandbox ended: %s", reported.text);
	VM_NOTIFY(vm->pool, ended, vm, why);
}

static void tear_down(struct vm_core *core, bool all)
{
	struct err why, gone;
	loop_drop(&core->teardown);
	vm_end_error(core->vm, &why);
	if (!core->torn_down && !core->internal) {
		notify_ended(core->vm, &why);
	}
	core->torn_down = true;
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
	vm_waits_done(core, &why, all);
}

static int on_teardown(sd_event_source *source, void *data)
{
	struct vm_core *core = data;
	(void)source;
	tear_down(core, false);
	vm_release_when_over(core);
	return 0;
}

void vm_tear_down_now(struct vm_core *core)
{
	tear_down(core, true);
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
		notify_started(vm, why);
	}
	vm_machine_halt(core, NULL);
	core->teardown = loop_defer(vm->pool->event, on_teardown, core);
}

void vm_keep_if_wanted(struct vm_core *core)
{
	const struct vm_backend *backend = core->vm->backend;
	bool runs = core->state == VM_READY ||
		    (vm_comes_from(core, ORIGIN_REATTACH) && core->machine == MACHINE_RUNS);
	if (!core->keep || !core->dir || core->internal) {
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
	vm_waits_done(core, &why, false);
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

static bool retries(struct vm *vm, const struct err *why)
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
	} else if (failure != FAILURE_RETRIES || !retries(vm, why)) {
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

/* ---- ready and paused ---- */

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
		notify_started(vm, NULL);
	}
	vm_changed(vm);
	vm_watch_again(vm);
	vm_notify_ready(vm);
}

void vm_is_paused(struct vm *vm)
{
	vm_set_state(vm->core, VM_PAUSED);
	log_info("sandbox=%s paused", vm->id);
	vm_changed(vm);
}

/*
 * The VMs of a sandbox: at most one at a time, and the next starts when nothing is left of the
 * previous one.  This file handles start and end of a VM, agent_link.c its link; lifecycle.c derives the state of
 * the sandbox.
 */

#include "vm/core/vm.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/core/core.h"

#include <string.h>

const struct vm_origin_row vm_origins[] = {
	[ORIGIN_BOOT] = { .time_factor = 10, .failure = FAILURE_ENDS },
	[ORIGIN_TEMPLATE] = { 1, 0, true, true, FAILURE_RETRIES },
	[ORIGIN_SNAPSHOT] = { 1, 0, true, true, FAILURE_ENDS },
	[ORIGIN_RESUME] = { 1, 0, true, false, FAILURE_PAUSES },
	/* It was ready, so it must respond soon; a new one is faster. */
	[ORIGIN_WARM] = { 1, 5000, true, false, FAILURE_RETRIES },
	[ORIGIN_REATTACH] = { 1, 0, true, false, FAILURE_ENDS },
};

/* ---- directory ---- */

bool vm_need_dir(struct vm *vm, struct err *err)
{
	struct vm_core *core = vm->core;
	if (core->dir) {
		return true;
	}
	struct state *state = vm_pool_state(vm->pool, err);
	auto_free char *unfinished = NULL;
	auto_close int lock =
		state ? state_begin(state, STATE_SANDBOXES, vm->id, &unfinished, err) : -1;
	if (lock < 0 || !state_commit(state, STATE_SANDBOXES, vm->id, err)) {
		return false;
	}
	core->lock = take_fd(&lock);
	vm->dir = core->dir = state_path(state, STATE_SANDBOXES, vm->id);
	return true;
}

/* ---- start ---- */

static int on_start_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm *vm = data;
	struct err why;
	(void)source;
	(void)usec;
	const char *stage = vm->core->last_stage;
	err_set(&why, ERR_TIMEOUT, "it was not ready after %lld ms (last stage reached: %s)",
		(long long)vm->timeout_ms, stage ? stage : "none");
	vm_failed(vm, &why);
	return 0;
}

void vm_start_clock(struct vm *vm)
{
	struct vm_core *core = vm->core;
	const struct vm_origin_row *origin = &vm_origins[core->origin];
	core->start_us = loop_now_us();
	vm->timeout_ms = vm->pool->config.start_timeout_ms *
			 (vm->backend->template_key ? origin->time_factor : 1);
	if (origin->most_ms && vm->timeout_ms > origin->most_ms) {
		vm->timeout_ms = origin->most_ms;
	}
	loop_drop(&core->start_timer);
	core->start_timer =
		loop_after_ms(vm->pool->event, (uint64_t)vm->timeout_ms, on_start_timeout, vm);
}

static void set_from(struct vm *vm, const char *from)
{
	char *copy = from ? must(strdup(from)) : NULL;
	free(vm->core->from);
	vm->from = vm->core->from = copy;
}

static void reset(struct vm_core *core)
{
	struct vm *vm = core->vm;
	memset((char *)vm + sizeof(*vm), 0, vm->backend->size - sizeof(*vm));
	core->said_hello = core->lost = false;
	core->stages = 0;
	core->last_stage = NULL;
	core->restarts = 0;
	core->restored_us = 0;
	core->relinks = 0;
}

bool vm_machine_start(struct vm *vm, enum vm_origin origin, const char *from, struct err *err)
{
	struct vm_core *core = vm->core;
	reset(core);
	set_from(vm, from);
	core->origin = origin;
	vm_set_state(core, VM_STARTING);
	core->machine = MACHINE_RUNS;
	vm->outlives = core->keep || vm->pool->config.outlive;
	vm_start_clock(vm);
	return origin == ORIGIN_REATTACH ? vm->backend->reattach(vm, err)
					 : vm->backend->start(vm, err);
}

/* ---- end ---- */

static void let_go(struct vm_core *core)
{
	loop_drop(&core->start_timer);
	loop_drop(&core->screen_timer);
	vm_link_drop(core);
}

static void release(struct vm_core *core)
{
	loop_drop(&core->halted);
	if (core->machine != MACHINE_NONE) {
		core->vm->backend->release(core->vm);
		core->machine = MACHINE_NONE;
	}
}

static int on_halted(sd_event_source *source, void *data)
{
	struct vm_core *core = data;
	(void)source;
	release(core);
	void (*fn)(struct vm_core *) = take_ptr(&core->on_halted);
	(fn ? fn : vm_release_when_over)(core);
	return 0;
}

/* Release and what follows are deferred to the loop, because backends report from inside. */
static void ended(struct vm_core *core)
{
	if (core->machine != MACHINE_NONE) {
		core->machine = MACHINE_ENDED;
	}
	if (!core->halted) {
		core->halted = loop_defer(core->vm->pool->event, on_halted, core);
	}
}

void vm_machine_halt(struct vm_core *core, void (*fn)(struct vm_core *core))
{
	core->on_halted = fn;
	let_go(core);
	if (core->machine == MACHINE_RUNS) {
		core->machine = MACHINE_ENDING;
		if (core->vm->backend->stop(core->vm)) {
			core->machine = MACHINE_ENDED;
		}
	}
	if (core->machine != MACHINE_ENDING) {
		ended(core);
	}
}

void vm_machine_leave(struct vm_core *core)
{
	let_go(core);
	core->vm->backend->leave(core->vm);
	core->machine = MACHINE_ENDED;
}

void vm_machine_halt_now(struct vm_core *core)
{
	core->on_halted = NULL;
	release(core); /* waits for what is still ending */
}

void vm_has_died(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->machine == MACHINE_ENDING) {
		ended(core);
	} else if (core->machine == MACHINE_RUNS) {
		struct err copy = *why;
		vm_failed(vm, &copy);
	}
}

void vm_settle(struct vm *vm, const char *image, int64_t memory_mib, int64_t cpus)
{
	struct vm_spec *spec = &vm->core->spec;
	if (image && (!spec->image || strcmp(spec->image, image) != 0)) {
		free((char *)spec->image);
		spec->image = must(strdup(image));
	}
	vm_default_to(&spec->limits.memory_mib, memory_mib);
	vm_default_to(&spec->limits.cpus, cpus);
}

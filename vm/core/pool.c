/*
 * The pool: the list of sandboxes.  vm/lifecycle creates them and
 * lifecycle.c changes their states.  Ended sandboxes stay in the list for a while without
 * resources, so that later calls can report the reason.
 */

#include "vm/core/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/core/core.h"

#include <string.h>

#define SAVE_MS 300000

void vm_config_fill(struct vm_config *c)
{
	if (!c->backend) {
		c->backend = "auto";
	}
	vm_spec_fill(&c->default_spec);
	vm_default_to(&c->max_sandboxes, 8);
	vm_default_to(&c->max_saved, 100);
	vm_default_to(&c->max_saved_mib, 16384);
	vm_default_to(&c->start_timeout_ms, 30000);
}

void vm_pool_init(struct vm_pool *pool, sd_event *event, const struct vm_config *config,
	const struct vm_backend *const *backends, const struct vm_part *const *parts)
{
	pool->event = sd_event_ref(event);
	pool->config = *config;
	pool->backends = backends;
	pool->parts = parts;
	vm_config_fill(&pool->config);
	TAILQ_INIT(&pool->vms);
}

struct vm *vm_init(struct vm_core *core, struct vm_pool *pool, const struct vm_backend *backend,
	const char *owner, struct vm_spec *spec)
{
	struct vm *vm = must(calloc(1, backend->size));
	vm->backend = backend;
	vm->pool = pool;
	vm->core = core;
	id_make(vm->id);
	core->vm = vm;
	core->owner = must(strdup(owner));
	core->state = VM_STARTING;
	core->save_ms = SAVE_MS;
	core->lock = -1;
	core->keep = pool->config.keep;
	core->start_us = loop_now_us();
	core->times.created = clock_wall_ms();
	core->spec = *spec;
	vm->spec = &core->spec;
	guest_init(&core->guest, pool->event, vm->id, &vm_guest_handlers, vm);
	core->guest.environment = &core->spec.environment;
	core->guest.screen = vm->spec->screen;
	core->guest.frame = geometry_fit(vm->spec->screen);
	TAILQ_INIT(&core->waits);
	TAILQ_INIT(&core->refused);
	TAILQ_INSERT_TAIL(&pool->vms, core, entry);
	*spec = (struct vm_spec){ 0 };
	return vm;
}

static void vm_free(struct vm_core *core)
{
	TAILQ_REMOVE(&core->vm->pool->vms, core, entry);
	for (const struct vm_part *const *part = core->vm->pool->parts; *part; part++) {
		if ((*part)->forgotten) {
			(*part)->forgotten(core->vm);
		}
	}
	control_free(core->vm);
	buf_done(&core->notes);
	vm_spec_done(&core->spec);
	if (core->lock >= 0) {
		close(core->lock);
	}
	loop_drop(&core->notify_state);
	free(core->dir);
	free(core->from);
	free(core->owner);
	free(core->vm);
	free(core);
}

void vm_undo(struct vm *vm, const struct err *why)
{
	struct err copy = *why;
	vm_end(vm, &copy);
	vm_tear_down_now(vm->core);
	vm_free(vm->core);
}

void vm_pool_free(struct vm_pool *pool)
{
	if (!pool) {
		return;
	}
	struct vm_core *core;
	struct err why;
	err_set(&why, ERR_GONE, "the server is shutting down");
	pool->freeing = true;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		vm_keep_if_wanted(core);
		vm_end(core->vm, &why);
	}
	/* All are killed before waiting for the first. */
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		vm_tear_down_now(core);
	}
	work_wait_all();
	for (const struct vm_part *const *part = pool->parts; *part; part++) {
		if ((*part)->freed) {
			(*part)->freed(pool);
		}
	}
	while ((core = TAILQ_FIRST(&pool->vms))) {
		vm_free(core);
	}
	state_close(pool->state);
	sd_event_unref(pool->event);
	free(pool);
}

/* Frees the oldest ended ones, except those in use or watched. */
void vm_forget_some(struct vm_pool *pool)
{
	struct vm_core *core;
	size_t gone = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		gone += core->state == VM_GONE && !core->internal;
	}
	core = TAILQ_FIRST(&pool->vms);
	while (core) {
		struct vm_core *next = TAILQ_NEXT(core, entry);
		bool too_many = core->internal || gone >= VM_REMEMBERED;
		if (core->state == VM_GONE && too_many && TAILQ_EMPTY(&core->waits) &&
			TAILQ_EMPTY(&core->guest.calls) && !core->watches && !core->refs &&
			!core->users) {
			gone -= !core->internal;
			vm_free(core);
		}
		core = next;
	}
}

/* ---- use ---- */

void vm_touch(struct vm *vm)
{
	vm_used(vm);
}

void vm_use(struct vm *vm)
{
	vm->core->users++;
	vm_used(vm);
}

void vm_unuse(struct vm *vm)
{
	vm->core->users--;
	vm_used(vm);
}

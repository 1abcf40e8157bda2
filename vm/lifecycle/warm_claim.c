/*
 * A new sandbox claims a member of the warm pool, which costs one ping: the member has had its names
 * and entropy since it was cloned, and its clock is right.  If the ping fails, the sandbox starts from its template.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <string.h>

static bool is_takeable(const struct vm_core *core)
{
	return lifecycle_of(core)->warm && core->state == VM_READY && core->guest.link &&
	       !core->lost_timer;
}

static struct vm_core *find_member(
	struct vm_pool *pool, const struct vm_backend *backend, const char *key)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (is_takeable(core) && core->vm->backend == backend &&
			strcmp(lifecycle_of(core)->warm_key, key) == 0) {
			break;
		}
	}
	return core;
}

/* The oldest one that matches exactly. */
static struct vm_core *find_fitting(
	struct vm_pool *pool, const struct vm_backend *backend, const struct vm_spec *spec)
{
	struct vm_core *core;
	struct err err;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (is_takeable(core)) {
			break;
		}
	}
	if (!core || spec->from || !backend->template_key) {
		return NULL;
	}
	auto_free char *key = backend->template_key(pool, spec, &err);
	return key ? find_member(pool, backend, key) : NULL;
}

/* Hides that it existed before: only its id and its VM are older. */
static void give_to(struct vm_core *core, const char *owner, const struct vm_spec *spec)
{
	struct vm_pool *pool = core->vm->pool;
	free(core->owner);
	core->owner = must(strdup(owner));
	core->internal = core->was_ready = lifecycle_of(core)->warm = false;
	free(take_ptr(&lifecycle_of(core)->warm_key));
	core->times = (struct vm_times){ .created = clock_wall_ms() };
	vm_spec_describe(&core->spec, spec);
	core->spec.timeout_ms = spec->timeout_ms;
	core->spec.idle_ms = spec->idle_ms;
	core->spec.on_timeout = spec->on_timeout;
	buf_done(&core->notes);
	TAILQ_REMOVE(&pool->vms, core, entry);
	TAILQ_INSERT_TAIL(&pool->vms, core, entry);
}

struct vm *vm_warm_take(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	const struct vm_spec *spec)
{
	struct err err;
	struct vm_core *core = find_fitting(pool, backend, spec);
	if (!core) {
		return NULL;
	}
	if (pool->config.keep && backend->reattach && !vm_need_dir(core->vm, &err)) {
		log_warning("sandbox=%s cannot be saved: %s", core->vm->id, err.text);
	}
	log_info("sandbox=%s claimed from the warm pool owner=%s", core->vm->id, owner);
	give_to(core, owner, spec);
	vm_machine_claim(core->vm);
	vm_timeout_begin(core->vm);
	vm_metadata_write(core->vm);
	return core->vm;
}

static void on_taken_halted(struct vm_core *core)
{
	struct err err;
	if (!vm_template_start(core->vm, &err)) {
		vm_failed(core->vm, &err);
	}
}

static bool start_again(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->origin != ORIGIN_WARM || vm->pool->freeing) {
		return false;
	}
	log_warning("sandbox=%s from the warm pool restarts: %s", vm->id, why->text);
	vm_machine_halt(core, on_taken_halted);
	return true;
}

const struct vm_part vm_warm_claim_part = { .failed = start_again };

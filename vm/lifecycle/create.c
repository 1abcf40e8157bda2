/*
 * Creates a sandbox: determines its specification, its backend, and the origin of its first VM (a
 * snapshot, a template, a running copy, or a boot).
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <string.h>

/* The spec of a snapshot is that of its VM. */
static bool spec_of(struct vm_pool *pool, const char *owner, const struct vm_spec *asked,
	struct vm_spec *ret, struct err *err)
{
	struct vm_spec spec = asked ? *asked : pool->config.default_spec;
	if (spec.from) {
		const struct vm_snapshot *snapshot = vm_snapshot_find(pool, owner, spec.from, err);
		if (!snapshot) {
			return false;
		}
		spec.from = snapshot->id;
		spec.image = snapshot->spec.image;
		spec.screen = snapshot->spec.screen;
		spec.scale = snapshot->spec.scale;
		spec.limits = snapshot->spec.limits;
		spec.network = snapshot->spec.network;
	}
	return vm_spec_make(&pool->config.default_spec, &spec, ret, err);
}

static bool begin_new(struct vm *vm, struct err *err)
{
	if (!vm->spec->from) {
		return vm_begin(vm, err) && vm_template_start(vm, err);
	}
	struct state *state = vm_pool_state(vm->pool, err);
	if (!state) {
		return false;
	}
	auto_free char *path = state_path(state, STATE_SNAPSHOTS, vm->spec->from);
	return vm_begin_from(vm, path, err);
}

static struct vm *create(const struct vm_backend *backend, struct vm_pool *pool, const char *owner,
	struct vm_spec *spec, struct err *err)
{
	vm_default_to(&spec->limits.memory_mib, backend->memory_mib);
	const char *lacks = vm_backend_lacks(backend, spec);
	if (lacks) {
		vm_cannot(pool, backend, lacks, err);
		return vm_spec_done(spec), NULL;
	}
	vm_forget_some(pool);
	struct vm *vm = vm_warm_take(pool, backend, owner, spec);
	if (vm) {
		vm_spec_done(spec);
		return vm;
	}
	vm = vm_new(pool, backend, owner, spec);
	log_info("sandbox=%s starting backend=%s owner=%s", vm->id, backend->name, owner);
	if (!begin_new(vm, err)) {
		vm_undo(vm, err);
		err_while(err, "the sandbox could not be started");
		return NULL;
	}
	return vm;
}

struct vm *vm_create(
	struct vm_pool *pool, const char *owner, const struct vm_spec *asked, struct err *err)
{
	struct vm_spec spec;
	if (!vm_may_create(pool, owner, 1, err) || !spec_of(pool, owner, asked, &spec, err)) {
		return NULL;
	}
	const struct vm_backend *backend = vm_backend_for(pool, &spec, err);
	if (!backend) {
		vm_spec_done(&spec);
		return NULL;
	}
	return create(backend, pool, owner, &spec, err);
}

struct vm *vm_create_on(
	const struct vm_backend *backend, struct vm_pool *pool, const char *owner, struct err *err)
{
	struct vm_spec spec;
	if (!vm_may_create(pool, owner, 1, err) || !spec_of(pool, owner, NULL, &spec, err)) {
		return NULL;
	}
	return create(backend, pool, owner, &spec, err);
}

/* Adds it to the pool as it was left. */
static struct vm *new_from(struct vm_pool *pool, const struct vm_backend *backend,
	const struct state *state, const struct vm_left *left)
{
	struct vm_spec spec;
	vm_spec_copy(left->spec, &spec);
	struct vm *vm = vm_new(pool, backend, left->owner, &spec);
	struct vm_core *core = vm->core;
	memcpy(vm->id, left->id, sizeof(vm->id));
	vm->dir = core->dir = state_path(state, STATE_SANDBOXES, vm->id);
	core->times = left->times;
	core->is_default = left->is_default;
	core->keep |= left->keep;
	core->was_ready = true;
	core->state = left->paused ? VM_PAUSED : VM_STARTING;
	return vm;
}

struct vm *vm_put_back(struct vm_pool *pool, const struct vm_left *left, struct err *err)
{
	const struct vm_backend *backend = vm_backend_named(pool, left->backend);
	auto_close int lock = left->lock;
	const struct state *state = vm_pool_state(pool, err);
	if (!state) {
		return NULL;
	}
	if (!backend || (left->paused ? !backend->save : !backend->reattach)) {
		err_set(err, ERR_UNSUPPORTED, "cannot reattach to a sandbox of backend '%.40s'",
			left->backend);
		return NULL;
	}
	struct vm *vm = new_from(pool, backend, state, left);
	if (!left->paused && !vm_machine_start(vm, ORIGIN_REATTACH, NULL, err)) {
		free(take_ptr(&vm->core->dir)); /* it remains unchanged */
		vm->dir = NULL;
		vm_undo(vm, err);
		return NULL;
	}
	vm->core->lock = take_fd(&lock);
	vm_timeout_begin(vm);
	return vm;
}

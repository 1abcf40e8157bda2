/* What a pool has, and its sandboxes by id and owner. */

#include "vm/core/vm.h"

#include "base/log.h"
#include "vm/core/core.h"
#include "vm/state/key.h"

#include <string.h>

const char *const vm_state_names[] = { "starting", "ready", "paused", "stopping", "gone", NULL };

const struct vm_config *vm_pool_config(const struct vm_pool *pool)
{
	return &pool->config;
}

sd_event *vm_pool_event(const struct vm_pool *pool)
{
	return pool->event;
}

struct state *vm_pool_state(struct vm_pool *pool, struct err *err)
{
	if (!pool->state && pool->no_state.kind == ERR_NONE) {
		pool->state = state_open(pool->config.state_dir, &pool->no_state);
		if (!pool->state) {
			err_while(&pool->no_state, "state directory unavailable");
			log_warning("%s", pool->no_state.text);
		}
	}
	if (!pool->state) {
		*err = pool->no_state;
	}
	return pool->state;
}

bool vm_pool_key(struct vm_pool *pool, struct digest *ret_key, struct err *err)
{
	struct state *state = vm_pool_state(pool, err);
	return state && state_key(state, ret_key, err);
}

struct listeners *vm_listeners(struct vm_pool *pool)
{
	return &pool->listeners;
}

void vm_pool_limit_owners(struct vm_pool *pool, vm_owner_limits_fn *fn, void *data)
{
	pool->owner_limits = fn;
	pool->owner_limits_data = data;
}

static bool is_there(const struct vm_core *core)
{
	return (vm_is_live(core) || core->state == VM_PAUSED) && !core->internal;
}

void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->state != VM_GONE && !core->internal) {
			fn(core->vm, data);
		}
	}
}

struct vm *vm_find(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	struct vm_core *core;
	if (!id_is_valid(id)) {
		err_set(err, ERR_NOT_FOUND,
			"a sandbox id must be %d characters a-z and 0-9. Omit it to use your "
			"default sandbox",
			ID_LEN);
		return NULL;
	}
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->internal || strcmp(core->vm->id, id) != 0 ||
			strcmp(core->owner, owner) != 0) {
			continue;
		}
		if (is_there(core)) {
			return core->vm;
		}
		vm_end_error(core->vm, err);
		err->kind = ERR_GONE;
		return NULL;
	}
	err_set(err, ERR_NOT_FOUND,
		"you have no sandbox '%s'. Omit the argument to use your default sandbox", id);
	return NULL;
}

struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (is_there(core) && strcmp(core->owner, owner) == 0 && i-- == 0) {
			return core->vm;
		}
	}
	return NULL;
}

const struct vm_spec *vm_default_spec(const struct vm_pool *pool)
{
	return &pool->config.default_spec;
}

struct guest *vm_guest(struct vm *vm)
{
	return &vm->core->guest;
}

const char *vm_id(const struct vm *vm)
{
	return vm->id;
}

const struct vm_spec *vm_spec(const struct vm *vm)
{
	return vm->spec;
}

enum vm_state vm_state(const struct vm *vm)
{
	return vm->core->state;
}

const char *vm_owner(const struct vm *vm)
{
	return vm->core->owner;
}

const char *vm_backend_name(const struct vm *vm)
{
	return vm->backend->name;
}

const char *vm_no_limit_on(const struct vm *vm)
{
	return vm->no_limit_on;
}

struct size vm_frame(const struct vm *vm)
{
	return vm->core->guest.frame;
}

struct size vm_screen(const struct vm *vm)
{
	return vm->core->guest.screen;
}

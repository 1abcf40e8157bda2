/* The state of a sandbox: who is told when it changes, and what a caller is told about it. */

#include "vm/core/vm.h"

#include "base/loop.h"
#include "vm/core/core.h"

bool vm_comes_from(const struct vm_core *core, enum vm_origin origin)
{
	return core->state == VM_STARTING && core->origin == origin;
}

static int on_notify_state(sd_event_source *source, void *data)
{
	struct vm_core *core = data;
	(void)source;
	loop_drop(&core->notify_state);
	VM_NOTIFY(core->vm->pool, state, core->vm);
	return 0;
}

void vm_set_state(struct vm_core *core, enum vm_state state)
{
	bool has_listeners = !STAILQ_EMPTY(&core->vm->pool->listeners.all);
	core->state = state;
	if (has_listeners && !core->notify_state && !core->internal) {
		core->notify_state = loop_defer(core->vm->pool->event, on_notify_state, core);
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

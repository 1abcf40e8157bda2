/*
 * Templates by key.  The first sandbox that needs one causes its creation (template_make.c); later
 * ones start from it immediately (template_use.c).  A sandbox that cannot start from one gets a
 * second start, because the template may be damaged.
 */

#include "vm/lifecycle/template.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>

static void collect_once(struct vm_pool *pool)
{
	if (!lifecycle_pool(pool)->collected) {
		lifecycle_pool(pool)->collected = true;
		template_collect(pool, 0);
	}
}

/* The failed VM is ending; the next one starts when nothing is left of it. */
static void on_failed_halted(struct vm_core *core)
{
	struct vm *vm = core->vm;
	struct vm_template *t = template_of(vm->pool, lifecycle_of(core)->template_key);
	struct err err;
	if (!template_is_being_made(t) && t->use >= 0 &&
		t->inode == lifecycle_of(core)->template_inode) {
		log_warning("template=%s deleted: %s", t->key, core->why.text);
		template_no_use(t);
		state_remove(t->pool->state, STATE_TEMPLATES, t->key);
	}
	if (template_is_being_made(t) || !template_find(t)) {
		template_wait_for(t, vm);
	} else if (!template_start_from(t, vm, &err)) {
		vm_failed(vm, &err);
	}
}

/* Its VM runs, and its agent has sent nothing: it hangs. */
static bool hangs(const struct vm_core *core)
{
	return core->guest.link && !core->said_hello;
}

/* A boot would fail for the same lack of host resources.  Any other failure may be caused by the
 * template: which file is damaged, and how, determines which part fails. */
static bool may_be_to_blame(const struct vm_core *core, const struct err *why)
{
	static const int lacks[] = { ENOMEM, EMFILE, ENFILE, EAGAIN, ENOSPC, EDQUOT };
	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		if (why->sys == lacks[i]) {
			return false;
		}
	}
	return why->kind != ERR_TIMEOUT || hangs(core);
}

static bool start_again(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->origin != ORIGIN_TEMPLATE || lifecycle_of(core)->template_again ||
		vm->pool->freeing || !may_be_to_blame(core, why)) {
		return false;
	}
	lifecycle_of(core)->template_again = true;
	core->why = *why;
	vm_machine_halt(core, on_failed_halted);
	return true;
}

bool vm_template_start(struct vm *vm, struct err *err)
{
	struct vm_pool *pool = vm->pool;
	*err = (struct err){ 0 };
	auto_free char *key =
		vm->backend->template_key ? vm->backend->template_key(pool, vm->spec, err) : NULL;
	if (!key) {
		return err->kind == ERR_NONE && vm_machine_start(vm, ORIGIN_BOOT, NULL, err);
	}
	if (!vm_pool_state(pool, err)) {
		return vm_machine_start(vm, ORIGIN_BOOT, NULL, err); /* as a slow cold boot */
	}
	if (!state_name_is_valid(key)) {
		return err_set(err, ERR_HOST, "invalid template key '%.80s'", key);
	}
	struct vm_template *t = template_of(pool, key);
	if (!template_is_being_made(t) && template_find(t)) {
		collect_once(pool);
		return template_start_from(t, vm, err) || start_again(vm, err);
	}
	template_wait_for(t, vm);
	return true;
}

static void forget(struct vm *vm)
{
	free(lifecycle_of(vm->core)->template_key);
}

static void templates_free(struct vm_pool *pool)
{
	struct vm_template *t;
	while ((t = TAILQ_FIRST(&lifecycle_pool(pool)->templates))) {
		template_made_over(t);
		template_free(t);
	}
}

const struct vm_part vm_template_part = {
	.failed = start_again,
	.ending = template_leave,
	.forgotten = forget,
	.freed = templates_free,
};

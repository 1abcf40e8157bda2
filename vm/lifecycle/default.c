/* The default sandbox of an owner: created on first use, and again after it ended. */

#include "vm/lifecycle/lifecycle_impl.h"

#include <stdio.h>
#include <string.h>

static struct vm_core *default_of(struct vm_pool *pool, const char *owner)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->is_default && strcmp(core->owner, owner) == 0) {
			break;
		}
	}
	return core;
}

struct vm *vm_find_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	const struct vm_core *core = default_of(pool, owner);
	if (core && core->state < VM_STOPPING) {
		return core->vm;
	}
	err_set(err, ERR_NOT_FOUND,
		"you have no default sandbox; screenshot, launch or any input tool creates it");
	return NULL;
}

struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	struct vm_core *old = default_of(pool, owner);
	if (old && old->state < VM_STOPPING) {
		return old->vm;
	}
	/* Creating one may free the old one, so the note is copied first. */
	char note[700] = "";
	if (old && old->was_ready) {
		snprintf(note, sizeof(note),
			"This is a new sandbox: the previous one ended (%s). Its programs and "
			"files are lost.",
			old->why.text);
	}
	struct vm *vm = vm_create(pool, owner, NULL, err);
	if (!vm) {
		return NULL;
	}
	old = default_of(pool, owner);
	if (old) {
		old->is_default = false;
	}
	vm->core->is_default = true;
	if (note[0]) {
		vm_add_note(vm, "%s", note);
	}
	vm_metadata_write(vm);
	return vm;
}

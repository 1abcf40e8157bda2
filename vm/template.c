/* Templates by key. */

#include "vm/core.h"

bool vm_template_start(struct vm *vm, struct err *err)
{
	return vm_machine_start(vm, err);
}

bool vm_template_start_again(struct vm *vm, const struct err *why)
{
	(void)vm;
	(void)why;
	return false;
}

void vm_template_forget(struct vm_core *core)
{
	(void)core;
}

void vm_templates_free(struct vm_pool *pool)
{
	(void)pool;
}

/* The beginning of a sandbox, whatever its first VM comes from.  Only this file allocates sandboxes. */

#include "vm/lifecycle/lifecycle_impl.h"

#include "base/cleanup.h"

struct vm *vm_new(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	struct vm_spec *spec)
{
	struct lifecycle *lifecycle = must(calloc(1, sizeof(*lifecycle)));
	return vm_init(&lifecycle->core, pool, backend, owner, spec);
}

bool vm_begin(struct vm *vm, struct err *err)
{
	bool kept = vm->pool->config.keep && vm->backend->reattach;
	if ((vm->backend->needs_dir || kept) && !vm_need_dir(vm, err)) {
		return false;
	}
	vm_timeout_begin(vm);
	vm_metadata_write(vm);
	return true;
}

bool vm_begin_from(struct vm *vm, const char *from, struct err *err)
{
	enum vm_origin origin = from ? ORIGIN_SNAPSHOT : ORIGIN_BOOT;
	return vm_begin(vm, err) && vm_machine_start(vm, origin, from, err);
}

/* The limits of a server and of each owner on running sandboxes. */

#include "vm/core/vm.h"

#include "vm/core/core.h"

#include <string.h>

/* The running ones, of all owners or of one (owner). */
static int64_t count_live(const struct vm_pool *pool, const char *owner)
{
	struct vm_core *core;
	int64_t live = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		live += vm_is_live(core) && !core->internal &&
			(!owner || strcmp(core->owner, owner) == 0);
	}
	return live;
}

struct vm_owner_limits vm_limits_of(const struct vm_pool *pool, const char *owner)
{
	struct vm_owner_limits limits = { 0 };
	if (pool->owner_limits) {
		limits = pool->owner_limits(owner, pool->owner_limits_data);
	}
	vm_default_to(&limits.saved, pool->config.max_saved);
	vm_default_to(&limits.saved_mib, pool->config.max_saved_mib);
	return limits;
}

bool vm_may_create(struct vm_pool *pool, const char *owner, int64_t n, struct err *err)
{
	if (pool->freeing) {
		return err_set(err, ERR_GONE, "the server is shutting down");
	}
	int64_t own = vm_limits_of(pool, owner).sandboxes;
	if (own > 0 && count_live(pool, owner) + n > own) {
		return err_set(err, ERR_LIMIT,
			"sandbox quota reached (%lld). End one first (sandbox_kill)",
			(long long)own);
	}
	int64_t live = count_live(pool, NULL), max = pool->config.max_sandboxes;
	if (live + n <= max) {
		return true;
	}
	return n == 1 ? err_set(err, ERR_LIMIT,
				"sandbox limit of this server reached (%lld). End one first "
				"(sandbox_kill), or start the server with a larger "
				"--max-sandboxes",
				(long long)max)
		      : err_set(err, ERR_LIMIT,
				"sandbox limit of this server is %lld; %lld exist, so %lld more "
				"cannot be created. End some first (sandbox_kill), or "
				"start the server with a larger --max-sandboxes",
				(long long)max, (long long)live, (long long)n);
}

bool vm_may_resume(const struct vm *vm, struct err *err)
{
	return vm_may_create(vm->pool, vm->core->owner, 1, err);
}

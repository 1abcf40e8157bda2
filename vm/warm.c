/* The reserve of ready clones. */

#include "vm/core.h"

struct vm *vm_warm_take(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	const struct vm_spec *spec)
{
	(void)pool;
	(void)backend;
	(void)owner;
	(void)spec;
	return NULL;
}

void vm_warm_refill(struct vm_pool *pool)
{
	(void)pool;
}

void vm_warm_free(struct vm_pool *pool)
{
	(void)pool;
}

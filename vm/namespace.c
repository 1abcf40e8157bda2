/* Placeholder until the backend is in. */
#include "vm/backend.h"

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config;
	(void)ret_detail;
	return err_set(err, ERR_UNSUPPORTED, "not built yet");
}
static bool start(struct vm *vm, struct err *err)
{
	(void)vm;
	return err_set(err, ERR_UNSUPPORTED, "not built yet");
}
static bool stop(struct vm *vm)
{
	(void)vm;
	return true;
}
static void release(struct vm *vm)
{
	(void)vm;
}
const struct vm_backend vm_backend_namespace = { "namespace", sizeof(struct vm), probe, start, stop,
	release };

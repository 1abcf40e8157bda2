/* Sandboxes that are machines: QEMU's microvm, booted from an image (vm/image/) or mapped from a
 * saved one. */

#include "vm/backend.h"

struct microvm {
	struct vm vm;
};

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config;
	*ret_detail = NULL;
	return err_set(err, ERR_UNSUPPORTED, "this build has no microVMs yet");
}

static bool start(struct vm *vm, struct err *err)
{
	(void)vm;
	return err_set(err, ERR_UNSUPPORTED, "this build has no microVMs yet");
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

const struct vm_backend vm_backend_microvm = {
	.name = "microvm",
	.size = sizeof(struct microvm),
	.probe = probe,
	.start = start,
	.stop = stop,
	.release = release,
};

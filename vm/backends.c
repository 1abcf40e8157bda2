#include "vm/backends.h"

#include "vm/fake/fake.h"
#include "vm/microvm/microvm.h"
#include "vm/namespace/namespace.h"

#include <stddef.h>

const struct vm_backend *const vm_backends[] = {
	&vm_backend_microvm,
	&vm_backend_namespace,
	&vm_backend_fake,
	NULL,
};

const char *const vm_backend_names[] = { "auto", "microvm", "namespace", "fake", NULL };

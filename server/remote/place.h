#ifndef SERVER_REMOTE_PLACE_H
#define SERVER_REMOTE_PLACE_H

#include "base/id.h"
#include "vm/core/vm.h"

/* A sandbox as a client names it. */
struct remote_place {
	struct vm_pool *vms;
	const char *owner; /* NULL: of any */
	char id[ID_LEN + 1];
};
struct vm *remote_find(const struct remote_place *place, struct err *err) NODISCARD;

#endif

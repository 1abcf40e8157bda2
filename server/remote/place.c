#include "server/remote/place.h"

#include <string.h>

struct search {
	const char *id;
	struct vm *found;
};

static void compare(struct vm *vm, void *data)
{
	struct search *search = data;
	if (strcmp(vm_id(vm), search->id) == 0) {
		search->found = vm;
	}
}

struct vm *remote_find(const struct remote_place *place, struct err *err)
{
	struct search search = { .id = place->id };
	if (place->owner) {
		return vm_find(place->vms, place->owner, place->id, err);
	}
	vm_pool_each(place->vms, compare, &search);
	if (!search.found) {
		err_set(err, ERR_NOT_FOUND, "there is no sandbox '%s'", place->id);
	}
	return search.found;
}

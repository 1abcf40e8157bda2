/* Stand-ins for what is being written in timeout.c, record.c, adopt.c and snapshots.c, so that the
 * rest can be built and tested; goes when they are there. */

#include "base/cleanup.h"
#include "vm/core.h"

#include <string.h>

void vm_timeout_begin(struct vm *vm)
{
	(void)vm;
}

void vm_timeout_touch(struct vm *vm)
{
	(void)vm;
}

void vm_timeout_end(struct vm *vm)
{
	(void)vm;
}

bool vm_set_timeout(struct vm *vm, int64_t timeout_ms, struct err *err)
{
	(void)vm;
	(void)timeout_ms;
	return err_set(err, ERR_UNSUPPORTED, "this build has no timeouts yet");
}

void vm_record(struct vm *vm)
{
	(void)vm;
}

void vm_pool_adopt(struct vm_pool *pool)
{
	(void)pool;
}

/* ---- snapshots, of this process only ---- */

struct kept {
	struct vm_snapshot snapshot;
	struct kept *next;
};

bool vm_snapshot_write(
	struct vm *vm, const char *dir, const char *id, const char *name, struct err *err)
{
	struct kept *kept = must(calloc(1, sizeof(*kept)));
	struct vm_snapshot *s = &kept->snapshot;
	(void)err;
	memcpy(s->id, id, sizeof(s->id));
	s->owner = must(strdup(vm_owner(vm)));
	s->name = name ? must(strdup(name)) : NULL;
	s->source = must(strdup(vm->id));
	vm_spec_copy(vm->spec, &s->spec);
	s->created = vm_now_ms();
	s->bytes = state_bytes(dir);
	kept->next = vm->pool->snapshots;
	vm->pool->snapshots = kept;
	return true;
}

const struct vm_snapshot *vm_snapshot_added(struct vm_pool *pool, const char *id, struct err *err)
{
	struct kept *kept = pool->snapshots;
	for (; kept; kept = kept->next) {
		if (strcmp(kept->snapshot.id, id) == 0) {
			return &kept->snapshot;
		}
	}
	err_set(err, ERR_NOT_FOUND, "you have no snapshot '%.60s'", id);
	return NULL;
}

static bool is_of(const struct kept *kept, const char *owner)
{
	return kept->snapshot.owner && strcmp(kept->snapshot.owner, owner) == 0;
}

const struct vm_snapshot *vm_snapshot_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	struct kept *kept = pool->snapshots;
	for (; kept; kept = kept->next) {
		const struct vm_snapshot *s = &kept->snapshot;
		if (is_of(kept, owner) &&
			(strcmp(s->id, id) == 0 || (s->name && strcmp(s->name, id) == 0))) {
			return s;
		}
	}
	err_set(err, ERR_NOT_FOUND, "you have no snapshot '%.60s'", id);
	return NULL;
}

const struct vm_snapshot *vm_snapshot_at(struct vm_pool *pool, const char *owner, size_t i)
{
	struct kept *kept = pool->snapshots;
	for (; kept; kept = kept->next) {
		if (is_of(kept, owner) && i-- == 0) {
			return &kept->snapshot;
		}
	}
	return NULL;
}

bool vm_snapshot_delete(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	const struct vm_snapshot *s = vm_snapshot_find(pool, owner, id, err);
	if (!s) {
		return false;
	}
	state_remove(pool->state, STATE_SNAPSHOTS, s->id);
	free((char *)s->owner);
	((struct vm_snapshot *)s)->owner = NULL;
	return true;
}

void vm_snapshots_free(struct vm_pool *pool)
{
	struct kept *kept = pool->snapshots;
	while (kept) {
		struct kept *next = kept->next;
		free((char *)kept->snapshot.owner);
		free((char *)kept->snapshot.name);
		free((char *)kept->snapshot.source);
		vm_spec_done(&kept->snapshot.spec);
		free(kept);
		kept = next;
	}
	pool->snapshots = NULL;
}

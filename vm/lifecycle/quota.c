/*
 * Disk quotas: the number and total size of saved VMs (snapshots and paused sandboxes) per owner,
 * and the free space that snapshots must leave, so that every running sandbox can still be paused.
 *
 * A save takes time, and others may be requested meanwhile.  Each therefore holds a place from its
 * admission to its end.  During this time it counts as one save, but its size does not count: it
 * may still be refused for its size.
 */

#include "base/cleanup.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <stdio.h>
#include <string.h>

#define MIB (1 << 20)

/* ---- usage of an owner ---- */

struct saved {
	int64_t snapshots, paused, being_saved, bytes;
};

/* Incomplete saves of other servers have no place here. */
static bool is_unfinished(const struct vm_pool *pool, const char *id)
{
	const struct vm_quota_claim *claim;
	TAILQ_FOREACH(claim, &lifecycle_pool(pool)->claims, entry)
	{
		if (strcmp(claim->id, id) == 0) {
			return true;
		}
	}
	return false;
}

static int64_t bytes_of_paused(const struct vm_core *core)
{
	auto_free char *path = NULL;
	if (asprintf(&path, "%s/%s", core->dir, VM_SAVED_DIR) < 0) {
		abort();
	}
	return state_bytes(path);
}

static struct saved saved_of(struct vm_pool *pool, const char *owner)
{
	struct saved saved = { 0 };
	const struct vm_snapshot *snapshot;
	const struct vm_quota_claim *claim;
	const struct vm_core *core;
	for (size_t i = 0; (snapshot = vm_snapshot_at(pool, owner, i)); i++) {
		if (!is_unfinished(pool, snapshot->id)) {
			saved.snapshots++;
			saved.bytes += snapshot->bytes;
		}
	}
	TAILQ_FOREACH(claim, &lifecycle_pool(pool)->claims, entry)
	{
		saved.being_saved += strcmp(claim->owner, owner) == 0;
	}
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->state == VM_PAUSED && core->dir && strcmp(core->owner, owner) == 0) {
			saved.paused++;
			saved.bytes += bytes_of_paused(core);
		}
	}
	return saved;
}

static bool too_much(const struct saved *saved, const char *most, struct err *err)
{
	char being_saved[40] = "";
	if (saved->being_saved) {
		snprintf(being_saved, sizeof(being_saved), ", and %lld being saved",
			(long long)saved->being_saved);
	}
	return err_set(err, ERR_LIMIT,
		"quota reached (%s): you have %lld snapshot%s and %lld paused sandbox%s, %lld "
		"MiB%s. First delete snapshots (snapshot_delete; snapshot_list shows "
		"their sizes) or end paused sandboxes (sandbox_kill)",
		most, (long long)saved->snapshots, saved->snapshots == 1 ? "" : "s",
		(long long)saved->paused, saved->paused == 1 ? "" : "es",
		(long long)((saved->bytes + MIB - 1) / MIB), being_saved);
}

/* Whether the owner, who has saved, may have count of them, and bytes. */
static bool is_within(struct vm_pool *pool, const char *owner, const struct saved *saved,
	int64_t count, int64_t bytes, struct err *err)
{
	struct vm_owner_limits limits = vm_limits_of(pool, owner);
	char most[80];
	if (count > limits.saved) {
		snprintf(most, sizeof(most), "at most %lld saved sandboxes",
			(long long)limits.saved);
		return too_much(saved, most, err);
	}
	if (bytes > limits.saved_mib * MIB) {
		snprintf(most, sizeof(most), "at most %lld MiB of saved sandboxes",
			(long long)limits.saved_mib);
		return too_much(saved, most, err);
	}
	return true;
}

bool vm_quota_reserve(
	struct vm_quota_claim *claim, const struct vm *vm, const char *id, struct err *err)
{
	struct vm_pool *pool = vm->pool;
	const char *owner = vm_owner(vm);
	struct saved saved = saved_of(pool, owner);
	int64_t count = saved.snapshots + saved.paused + saved.being_saved + 1;
	if (!is_within(pool, owner, &saved, count, saved.bytes + 1, err)) {
		return false;
	}
	*claim = (struct vm_quota_claim){ .pool = pool, .owner = owner, .id = id };
	TAILQ_INSERT_TAIL(&lifecycle_pool(pool)->claims, claim, entry);
	return true;
}

void vm_quota_release(struct vm_quota_claim *claim)
{
	struct vm_pool *pool = take_ptr(&claim->pool);
	if (pool) {
		TAILQ_REMOVE(&lifecycle_pool(pool)->claims, claim, entry);
	}
}

bool vm_quota_holds(struct vm_pool *pool, const char *owner, struct err *err)
{
	struct saved saved = saved_of(pool, owner);
	return is_within(pool, owner, &saved, saved.snapshots + saved.paused, saved.bytes, err);
}

/* ---- space for pauses ---- */

/* Upper bound of the space for pausing all running sandboxes: all of their memory. */
static int64_t reserve_mib(const struct vm_pool *pool)
{
	const struct vm_core *core;
	int64_t mib = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (vm_is_live(core) && !core->internal && core->vm->backend->save) {
			mib += core->spec.limits.memory_mib;
		}
	}
	return mib;
}

bool vm_quota_leaves_room(struct vm_pool *pool, struct err *err)
{
	struct state *state = vm_pool_state(pool, err);
	int64_t reserve = reserve_mib(pool), free_mib = state ? state_free(state) / MIB : 0;
	if (!state) {
		return false;
	}
	return free_mib >= reserve ||
	       err_set(err, ERR_LIMIT,
		       "the disk has %lld MiB free, of which %lld MiB are reserved for pausing "
		       "running sandboxes. First delete snapshots (snapshot_delete), or end or "
		       "pause sandboxes",
		       (long long)free_mib, (long long)reserve);
}

/*
 * Copies a running sandbox while it continues: to a snapshot, which is stored on disk, or to new
 * sandboxes, which start from a temporary directory that is deleted when the last of them is ready.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "base/work.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <string.h>

#define STARTING_PER_CORE 2 /* concurrent starts of forks */

/* ---- snapshot ---- */

struct taking {
	struct vm_job job; /* first */
	struct vm_quota_claim claim;
	vm_snapshot_fn *fn;
	void *data;
	char id[ID_LEN + 1];
	char *name, *path;
	int lock;
	bool whole;
	struct err why;
};

static void taken(struct taking *taking, const struct vm_snapshot *snapshot, const struct err *err)
{
	if (err && taking->path) {
		state_remove(taking->job.vm->pool->state, STATE_SNAPSHOTS, taking->id);
	}
	vm_quota_release(&taking->claim);
	if (taking->lock >= 0) {
		close(taking->lock);
	}
	taking->fn(taking->job.vm, snapshot, err, taking->data);
	free(taking->path);
	free(taking->name);
	free(taking);
}

static void taking_ended(struct vm_job *job, const struct err *why)
{
	taken((struct taking *)job, NULL, why);
}

/* In a thread, because it waits for the disk. */
static void commit(void *data)
{
	struct taking *taking = data;
	taking->whole = state_commit(
		taking->job.vm->pool->state, STATE_SNAPSHOTS, taking->id, &taking->why);
}

static void on_committed(void *data)
{
	struct taking *taking = data;
	struct vm *vm = taking->job.vm;
	vm_quota_release(&taking->claim);
	const struct vm_snapshot *snapshot =
		taking->whole ? vm_snapshot_added(vm->pool, taking->id, &taking->why) : NULL;
	/* Now its size is known, and others may have been taken meanwhile. */
	if (snapshot && !vm_quota_holds(vm->pool, snapshot->owner, &taking->why)) {
		snapshot = NULL;
	}
	vm->core->refs--;
	taken(taking, snapshot, snapshot ? NULL : &taking->why);
}

static void taking_saved(struct vm_job *job, const struct err *err)
{
	struct taking *taking = (struct taking *)job;
	struct vm *vm = job->vm;
	struct err why;
	if (err) {
		why = *err;
	}
	bool good = !err && vm_snapshot_write(vm, taking->path, taking->id, taking->name, &why) &&
		    vm_quota_leaves_room(vm->pool, &why);
	vm_job_over(job);
	if (good) {
		vm->core->refs++;
		work_run(vm->pool->event, commit, on_committed, taking);
		return;
	}
	err_while(&why, "no snapshot of sandbox %s was saved; it keeps running", vm->id);
	taken(taking, NULL, &why);
}

static bool may_take(struct vm *vm, struct taking *taking, struct err *err)
{
	if (!vm->backend->save) {
		return vm_cannot(vm->pool, vm->backend, "snapshots need", err);
	}
	const char *name = taking->name;
	id_make(taking->id);
	if (!vm_job_may(vm, "snapshot", err) ||
		(name && !vm_snapshot_name_check(vm->pool, vm_owner(vm), name, err)) ||
		!vm_quota_reserve(&taking->claim, vm, taking->id, err) ||
		!vm_quota_leaves_room(vm->pool, err)) {
		return false;
	}
	struct state *state = vm_pool_state(vm->pool, err);
	taking->lock =
		state ? state_begin(state, STATE_SNAPSHOTS, taking->id, &taking->path, err) : -1;
	return taking->lock >= 0;
}

void vm_take_snapshot(struct vm *vm, const char *name, vm_snapshot_fn *fn, void *data)
{
	struct taking *taking = must(calloc(1, sizeof(*taking)));
	struct err err;
	taking->fn = fn;
	taking->data = data;
	taking->lock = -1;
	taking->name = name ? must(strdup(name)) : NULL;
	taking->job.saved = taking_saved;
	taking->job.ended = taking_ended;
	if (!may_take(vm, taking, &err)) {
		vm_quota_release(&taking->claim);
		vm_job_refuse(&taking->job, vm, &err);
		return;
	}
	vm_job_begin(&taking->job, vm, "snapshot");
	vm_job_save(&taking->job, taking->path, false);
}

/* ---- fork ---- */

struct fork {
	struct vm_job job; /* first; until the source is saved */
	struct vm *source;
	vm_fork_fn *fn;
	void *data;
	char saved_id[ID_LEN + 1]; /* an incomplete snapshot */
	char *path;
	int lock;
	size_t count, begun, starting, over;
	struct vm **vms, **ready;
	size_t n_ready;
	struct err why; /* of the first one that failed to start */
};

static void fork_free(struct fork *fork)
{
	if (fork->path) {
		state_remove(fork->source->pool->state, STATE_SNAPSHOTS, fork->saved_id);
	}
	if (fork->lock >= 0) {
		close(fork->lock);
	}
	free(fork->path);
	free(fork->vms);
	free(fork->ready);
	free(fork);
}

static void fork_over(struct fork *fork, const struct err *err)
{
	fork->fn(fork->source, fork->ready, fork->n_ready, err, fork->data);
	for (size_t i = 0; fork->vms && i < fork->count; i++) {
		fork->vms[i]->core->refs--;
	}
	fork->source->core->refs -= fork->vms != NULL;
	fork_free(fork);
}

static void fork_ended(struct vm_job *job, const struct err *why)
{
	fork_over((struct fork *)job, why);
}

static void on_child(struct vm *vm, const struct err *err, void *data);

static void start_children(struct fork *fork)
{
	static const struct vm_wait_handlers handlers = { .done = on_child };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = STARTING_PER_CORE * (size_t)(cores > 0 ? cores : 1);
	struct err err;
	while (fork->begun < fork->count && fork->starting < most) {
		struct vm *child = fork->vms[fork->begun++];
		fork->starting++;
		vm_wait(child, &handlers, fork);
		if (child->core->state == VM_STARTING && !vm_begin_from(child, fork->path, &err)) {
			vm_failed(child, &err);
		}
	}
}

static void on_child(struct vm *vm, const struct err *err, void *data)
{
	struct fork *fork = data;
	fork->starting--;
	fork->over++;
	if (!err) {
		fork->ready[fork->n_ready++] = vm;
	} else if (fork->why.kind == ERR_NONE) {
		fork->why = *err;
	}
	if (fork->over < fork->count) {
		start_children(fork);
		return;
	}
	log_info("sandbox=%s forked=%zu", fork->source->id, fork->n_ready);
	fork_over(fork, fork->n_ready < fork->count ? &fork->why : NULL);
}

static struct vm *child_new(struct vm *source)
{
	struct vm_spec spec;
	vm_spec_copy(source->spec, &spec);
	struct vm *child = vm_new(source->pool, source->backend, vm_owner(source), &spec);
	child->core->guest.screen = source->core->guest.screen;
	child->core->guest.frame = source->core->guest.frame;
	return child;
}

static void fork_saved(struct vm_job *job, const struct err *err)
{
	struct fork *fork = (struct fork *)job;
	struct vm *source = fork->source;
	struct err why = { 0 };
	if (err) {
		why = *err;
	} else {
		(void)!vm_may_create(source->pool, vm_owner(source), (int64_t)fork->count, &why);
	}
	vm_job_over(job);
	if (why.kind != ERR_NONE) {
		err_while(&why, "sandbox %s was not copied; it keeps running", source->id);
		fork_over(fork, &why);
		return;
	}
	fork->vms = must(calloc(fork->count, sizeof(*fork->vms)));
	fork->ready = must(calloc(fork->count, sizeof(*fork->ready)));
	source->core->refs++;
	for (size_t i = 0; i < fork->count; i++) {
		fork->vms[i] = child_new(source);
		fork->vms[i]->core->refs++;
	}
	start_children(fork);
}

static bool may_fork(struct vm *vm, struct fork *fork, struct err *err)
{
	if (!vm->backend->save) {
		return vm_cannot(vm->pool, vm->backend, "forks need", err);
	}
	if (fork->count < 1 || fork->count > VM_FORK_MAX) {
		return err_set(err, ERR_ARGUMENT, "'count' must be 1 to %d, not %zu", VM_FORK_MAX,
			fork->count);
	}
	if (!vm_job_may(vm, "fork", err) ||
		!vm_may_create(vm->pool, vm_owner(vm), (int64_t)fork->count, err)) {
		return false;
	}
	struct state *state = vm_pool_state(vm->pool, err);
	id_make(fork->saved_id);
	fork->lock =
		state ? state_begin(state, STATE_SNAPSHOTS, fork->saved_id, &fork->path, err) : -1;
	return fork->lock >= 0;
}

void vm_fork(struct vm *vm, size_t count, vm_fork_fn *fn, void *data)
{
	struct fork *fork = must(calloc(1, sizeof(*fork)));
	struct err err;
	fork->source = vm;
	fork->fn = fn;
	fork->data = data;
	fork->count = count;
	fork->lock = -1;
	fork->job.saved = fork_saved;
	fork->job.ended = fork_ended;
	if (!may_fork(vm, fork, &err)) {
		vm_job_refuse(&fork->job, vm, &err);
		return;
	}
	vm_job_begin(&fork->job, vm, "fork");
	vm_job_save(&fork->job, fork->path, false);
}

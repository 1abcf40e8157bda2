/*
 * Operations that replace a sandbox's VM: a pause writes it to disk and ends it, a rollback ends it
 * and starts one from a snapshot.  (vm/core/lifecycle.c resumes a paused sandbox when there is a
 * wait.)  Calls in progress in the old VM fail with the reason.
 *
 * A rollback of a running sandbox first makes it one that is paused at the snapshot, before its VM
 * ends, and then resumes it: after a failure or a crash of the server, it still is that.  A paused
 * one is unchanged until the rollback has succeeded.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct change {
	struct vm_job job;           /* first */
	struct vm_quota_claim claim; /* pause: until it is paused */
	vm_done_fn *fn;
	void *data;
	char *from; /* rollback: the snapshot's directory */
};

static void over(struct change *change, const struct err *err)
{
	struct vm *vm = change->job.vm;
	vm_done_fn *fn = change->fn;
	void *data = change->data;
	vm_quota_release(&change->claim);
	free(change->from);
	free(change);
	fn(vm, err, data);
}

static void ended(struct vm_job *job, const struct err *why)
{
	over((struct change *)job, why);
}

static struct change *change_new(vm_done_fn *fn, void *data)
{
	struct change *change = must(calloc(1, sizeof(*change)));
	change->fn = fn;
	change->data = data;
	change->job.ended = ended;
	change->job.leaves = true;
	return change;
}

/* ---- pause ---- */

static void on_pause_halted(struct vm_core *core)
{
	struct change *pause = (struct change *)core->job;
	struct vm *vm = core->vm;
	struct err gone;
	err_set(&gone, ERR_GONE,
		"sandbox %s was paused during this call. The command continues after resume, but "
		"its result is lost",
		vm->id);
	vm_job_drop(&pause->job);
	vm_is_paused(vm);
	guest_fail_calls(&vm->core->guest, &gone, false);
	core->refs++;
	over(pause, NULL);
	core->refs--;
	vm_resume_if_wanted(vm);
}

static void pause_saved(struct vm_job *job, const struct err *err)
{
	struct vm *vm = job->vm;
	if (err) {
		struct err why = *err;
		state_remove_in(vm->pool->state, STATE_SANDBOXES, vm->id, VM_SAVED_DIR);
		vm_job_over(job);
		err_while(&why, "sandbox %s is not paused and keeps running", vm->id);
		over((struct change *)job, &why);
		return;
	}
	vm_quota_release(&((struct change *)job)->claim);
	vm_set_state(vm->core, VM_PAUSED); /* it is no longer reachable */
	vm_metadata_write(vm);             /* before the VM ends: from now on the files count */
	vm_machine_halt(vm->core, on_pause_halted);
}

static bool make_saved_dir(struct vm *vm, char **ret_dir, struct err *err)
{
	auto_free char *dir = NULL;
	if (!vm_need_dir(vm, err)) {
		return false;
	}
	if (asprintf(&dir, "%s/%s", vm->dir, VM_SAVED_DIR) < 0) {
		abort();
	}
	state_remove_in(vm->pool->state, STATE_SANDBOXES, vm->id, VM_SAVED_DIR);
	if (mkdir(dir, 0700) < 0) {
		return state_errno(err, "cannot create %s", dir);
	}
	*ret_dir = take_ptr(&dir);
	return true;
}

/* Hard links, because saved files are never written again. */
static bool link_files(const char *from, const char *to, struct err *err)
{
	auto_close int target = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = opendir(from);
	bool good = dir && target >= 0;
	for (struct dirent *entry; good && (entry = readdir(dir));) {
		good = entry->d_name[0] == '.' ||
		       linkat(dirfd(dir), entry->d_name, target, entry->d_name, 0) == 0;
	}
	if (!good) {
		state_errno(err, "cannot link the files of %s to %s", from, to);
	}
	if (dir) {
		closedir(dir);
	}
	return good;
}

void vm_pause(struct vm *vm, vm_done_fn *fn, void *data)
{
	struct change *pause = change_new(fn, data);
	auto_free char *dir = NULL;
	struct err err;
	pause->job.saved = pause_saved;
	if (!vm->backend->save) {
		vm_cannot(vm->pool, vm->backend, "pausing needs", &err);
		vm_job_refuse(&pause->job, vm, &err);
	} else if (!vm_job_may(vm, "pause", &err) ||
		   !vm_quota_reserve(&pause->claim, vm, "", &err) ||
		   !make_saved_dir(vm, &dir, &err)) {
		vm_quota_release(&pause->claim);
		vm_job_refuse(&pause->job, vm, &err);
	} else {
		vm_job_begin(&pause->job, vm, "pause");
		vm_job_save(&pause->job, dir, true);
	}
}

/* ---- rollback ---- */

static void on_rolled_back(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	over(data, err);
}

static void on_rollback_halted(struct vm_core *core)
{
	static const struct vm_wait_handlers handlers = { .done = on_rolled_back };
	struct change *rollback = (struct change *)core->job;
	struct vm *vm = core->vm;
	struct err gone;
	err_set(&gone, ERR_GONE, "sandbox %s was rolled back to a snapshot while this ran", vm->id);
	vm_job_drop(&rollback->job);
	guest_fail_calls(&vm->core->guest, &gone, false);
	vm_wait(vm, &handlers, rollback);
	if (!vm_machine_start(vm, ORIGIN_RESUME, rollback->from, &gone)) {
		vm_failed(vm, &gone);
	}
}

/* A snapshot's VM fits the sandbox it was taken from, and equal ones. */
static bool check_fits(struct vm *vm, const struct vm_snapshot *snapshot, struct err *err)
{
	if (vm_spec_same_machine(vm->spec, &snapshot->spec)) {
		return true;
	}
	return err_set(err, ERR_ARGUMENT,
		"snapshot '%s' has a different image, size or network, so sandbox %s "
		"cannot be rolled back to it; create a new sandbox from the snapshot",
		snapshot->id, vm->id);
}

static bool may_roll_back(struct vm *vm, const char *id, char **ret_from, struct err *err)
{
	bool asleep = vm->core->state == VM_PAUSED && !vm->core->job;
	if (!vm->backend->save) {
		return vm_cannot(vm->pool, vm->backend, "rollback requires", err);
	}
	if (asleep ? !vm_may_resume(vm, err) : !vm_job_may(vm, "rollback", err)) {
		return false;
	}
	if (!vm_control_agent_may(vm, err)) { /* it would undo the user's work */
		return false;
	}
	const struct vm_snapshot *snapshot = vm_snapshot_find(vm->pool, vm_owner(vm), id, err);
	struct state *state = snapshot ? vm_pool_state(vm->pool, err) : NULL;
	if (!state || !check_fits(vm, snapshot, err)) {
		return false;
	}
	auto_free char *path = state_path(state, STATE_SNAPSHOTS, snapshot->id), *saved = NULL;
	if (vm->backend->check && !vm->backend->check(vm, path, err)) {
		return err_while(err, "sandbox %s is unchanged", vm->id);
	}
	if (!asleep && !(make_saved_dir(vm, &saved, err) && link_files(path, saved, err) &&
			       vm_metadata_write_paused(vm, err))) {
		state_remove_in(vm->pool->state, STATE_SANDBOXES, vm->id, VM_SAVED_DIR);
		return err_while(err, "sandbox %s is unchanged", vm->id);
	}
	*ret_from = asleep ? take_ptr(&path) : take_ptr(&saved);
	return true;
}

void vm_rollback(struct vm *vm, const char *snapshot, vm_done_fn *fn, void *data)
{
	struct change *rollback = change_new(fn, data);
	struct vm_core *core = vm->core;
	struct err err;
	if (!may_roll_back(vm, snapshot, &rollback->from, &err)) {
		vm_job_refuse(&rollback->job, vm, &err);
		return;
	}
	vm_job_begin(&rollback->job, vm, "rollback");
	core->origin = ORIGIN_RESUME;
	vm_set_state(core, VM_STARTING);
	vm_machine_halt(core, on_rollback_halted);
}

/*
 * Operations with exclusive access to a running sandbox, and their common step: the agent is told
 * to freeze and the link queues what is sent to it, so that no byte is in transit; the backend
 * writes the VM; the agent is thawed, and queued calls continue.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"
#include "vm/wire/messages.h"

#include <string.h>

#define FREEZE_MS 5000

/* A pending request `freeze`.  It outlives a job that no longer waits. */
struct freezing {
	struct vm_job *job; /* NULL: no longer waiting */
};

bool vm_job_may(const struct vm *vm, const char *word, struct err *err)
{
	const struct vm_core *core = vm->core;
	if (!vm_must_be_ready(vm, err)) {
		return false;
	}
	return !core->job ||
	       err_set(err, ERR_STATE,
		       "a %s of sandbox %s is in progress; wait until it ends before a %s",
		       core->job->word, vm->id, word);
}

static void refused(struct vm_job *job)
{
	struct vm_core *core = job->vm->core;
	struct err why = job->refused;
	loop_drop(&job->refusal);
	TAILQ_REMOVE(&core->refused, job, entry);
	core->refs--;
	job->ended(job, &why);
}

static int on_refused(sd_event_source *source, void *data)
{
	(void)source;
	refused(data);
	return 0;
}

void vm_job_refuse(struct vm_job *job, struct vm *vm, const struct err *why)
{
	job->vm = vm;
	job->refused = *why;
	job->refusal = loop_defer(vm->pool->event, on_refused, job);
	vm->core->refs++;
	TAILQ_INSERT_TAIL(&vm->core->refused, job, entry);
}

void vm_jobs_refuse_now(struct vm_core *core)
{
	struct vm_job *job;
	while ((job = TAILQ_FIRST(&core->refused))) {
		refused(job);
	}
}

void vm_job_begin(struct vm_job *job, struct vm *vm, const char *word)
{
	job->vm = vm;
	job->word = word;
	vm->core->job = job;
	log_debug("sandbox=%s %s started", vm->id, word);
}

/* The next message thaws the agent. */
static void on_thawed(const struct link_msg *msg, const struct err *err, void *data)
{
	(void)msg;
	(void)err;
	(void)data;
}

static void thaw(struct vm_job *job)
{
	struct link *link = job->vm->core->guest.link;
	if (job->held && link) {
		link_hold(link, false);
		link_request(link, "ping", NULL, on_thawed, NULL);
	}
	job->held = false;
}

void vm_job_drop(struct vm_job *job)
{
	loop_drop(&job->timer);
	if (job->freezing) {
		job->freezing->job = NULL;
		job->freezing = NULL;
	}
	job->saving = false;
	thaw(job);
	free(take_ptr(&job->dir));
	job->vm->core->job = NULL;
}

void vm_job_over(struct vm_job *job)
{
	struct vm *vm = job->vm;
	bool waited_for = job->leaves;
	vm_job_drop(job);
	if (waited_for && vm->core->state == VM_READY) {
		vm_notify_ready(vm);
	}
}

/* ---- freeze, save, thaw ---- */

/* The end of the VM, expected with its last save, happened without a save. */
static void lost_after_all(struct vm *vm)
{
	struct err gone;
	vm->core->lost = false;
	err_set(&gone, ERR_GONE, "its connection closed while it was being saved");
	vm_lost_link(vm, &gone);
}

static void saved(struct vm_job *job, const struct err *err)
{
	struct vm *vm = job->vm;
	job->saving = false;
	loop_drop(&job->timer);
	if (err || !job->last) {
		thaw(job);
	}
	if (err && vm->core->lost) {
		lost_after_all(vm);
	}
	job->saved(job, err);
}

void vm_was_saved(struct vm *vm, const struct err *err)
{
	struct vm_job *job = vm->core->job;
	if (job && job->saving) {
		struct err why;
		if (err) {
			why = *err;
		}
		saved(job, err ? &why : NULL);
	}
}

/* The VM may be stopped for the save and cannot be resumed, so it is ended. */
static int on_save_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_job *job = data;
	struct vm *vm = job->vm;
	struct err why;
	(void)source;
	(void)usec;
	loop_drop(&job->timer);
	err_set(&why, ERR_TIMEOUT,
		"writing it to %s did not finish within %llu s: the disk does not respond",
		job->dir, (unsigned long long)vm->core->save_ms / 1000);
	vm_end(vm, &why);
	return 0;
}

static void not_frozen(struct vm_job *job, const struct err *why)
{
	struct err copy = *why;
	loop_drop(&job->timer);
	job->freezing->job = NULL;
	job->freezing = NULL;
	err_while(&copy, "its agent did not freeze for the save");
	saved(job, &copy);
}

static void on_frozen(const struct link_msg *msg, const struct err *err, void *data)
{
	struct freezing *freezing = data;
	struct vm_job *job = freezing->job;
	(void)msg;
	if (job && err && err->kind == ERR_GONE) {
		/* The teardown reports the reason. */
		freezing->job = NULL;
		job->freezing = NULL;
		loop_drop(&job->timer);
		vm_lost_link(job->vm, err);
	} else if (job && err) {
		not_frozen(job, err);
	} else if (job) {
		loop_drop(&job->timer);
		job->freezing = NULL;
		job->saving = true;
		job->timer = loop_after_ms(
			job->vm->pool->event, job->vm->core->save_ms, on_save_timeout, job);
		job->vm->backend->save(job->vm, job->dir, job->last);
	}
	free(freezing);
}

static int on_freeze_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_job *job = data;
	struct err why;
	(void)source;
	(void)usec;
	err_set(&why, ERR_TIMEOUT, "it did not respond for %d ms", FREEZE_MS);
	not_frozen(job, &why);
	return 0;
}

void vm_job_save(struct vm_job *job, const char *dir, bool last)
{
	struct vm_core *core = job->vm->core;
	struct freezing *freezing = must(calloc(1, sizeof(*freezing)));
	freezing->job = job;
	job->freezing = freezing;
	job->last = last;
	free(job->dir);
	job->dir = must(strdup(dir));
	job->timer = loop_after_ms(job->vm->pool->event, FREEZE_MS, on_freeze_timeout, job);
	link_request(core->guest.link, message_freeze.name,
		message_encode(
			&message_freeze.request, &(struct msg_freeze){ job->vm->is_emulated }),
		on_frozen, freezing);
	link_hold(core->guest.link, true);
	job->held = true;
}

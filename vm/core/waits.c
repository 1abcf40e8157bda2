/*
 * Waiting for a sandbox.  A wait for a paused one resumes it.  Every callback is called from the loop,
 * and may cancel other waits or begin new ones.
 */

#include "vm/core/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"

#include <stdio.h>

struct vm_wait {
	TAILQ_ENTRY(vm_wait) entry;
	struct vm *vm;
	struct vm_wait_handlers handlers;
	void *data;
	unsigned reported;         /* the last stage reported to it */
	sd_event_source *deferred; /* it was over when it began */
	struct err refused;        /* why a paused sandbox is not resumed for it */
};

static void wait_done(struct vm_wait *wait, const struct err *err)
{
	TAILQ_REMOVE(&wait->vm->core->waits, wait, entry);
	loop_drop(&wait->deferred);
	wait->handlers.done(wait->vm, err, wait->data);
	free(wait);
}

/* A callback may cancel other waits or add new ones, so this restarts each time; new ones are
 * deferred. */
void vm_waits_done(struct vm_core *core, const struct err *err, bool all)
{
	struct vm_wait *wait;
	do {
		TAILQ_FOREACH(wait, &core->waits, entry)
		{
			if (all || !wait->deferred) {
				wait_done(wait, err);
				break;
			}
		}
	} while (wait);
}

/* A callback may cancel waits, so this restarts each time. */
void vm_notify_stage(struct vm_core *core, const char *stage, unsigned step, unsigned of)
{
	struct vm_wait *wait;
	do {
		TAILQ_FOREACH(wait, &core->waits, entry)
		{
			if (wait->reported < step) {
				wait->reported = step;
				if (wait->handlers.stage) {
					wait->handlers.stage(stage, step, of, wait->data);
				}
				break;
			}
		}
	} while (wait);
}

void vm_notify_ready(struct vm *vm)
{
	vm_waits_done(vm->core, NULL, false);
}

/* ---- pause and resume ---- */

static void resume(struct vm *vm)
{
	struct vm_core *core = vm->core;
	auto_free char *saved = NULL;
	struct err err;
	if (asprintf(&saved, "%s/%s", core->dir, VM_SAVED_DIR) < 0) {
		abort();
	}
	log_info("sandbox=%s resumes", vm->id);
	if (!vm_machine_start(vm, ORIGIN_RESUME, saved, &err)) {
		vm_failed(vm, &err);
	}
}

void vm_resume_if_wanted(struct vm *vm)
{
	struct err why;
	if (vm->core->state != VM_PAUSED || TAILQ_EMPTY(&vm->core->waits)) {
		return;
	}
	if (vm_may_resume(vm, &why)) {
		resume(vm);
	} else {
		vm_waits_done(vm->core, &why, false);
	}
}

/* ---- waits ---- */

static bool is_over(const struct vm_core *core)
{
	return core->torn_down || (core->state == VM_READY && !(core->job && core->job->leaves));
}

static int on_wait_over(sd_event_source *source, void *data);

/* It has ended, or must be resumed. */
static void wait_begin(struct vm_wait *wait)
{
	struct vm *vm = wait->vm;
	bool asleep = vm->core->state == VM_PAUSED && !vm->core->job;
	if (is_over(vm->core) || (asleep && !vm_may_resume(vm, &wait->refused))) {
		wait->deferred = loop_defer(vm->pool->event, on_wait_over, wait);
	} else if (asleep) {
		resume(vm);
	}
}

static int on_wait_over(sd_event_source *source, void *data)
{
	struct vm_wait *wait = data;
	struct err why = wait->refused;
	(void)source;
	if (why.kind != ERR_NONE) {
		wait_done(wait, &why);
	} else if (!is_over(wait->vm->core)) {
		loop_drop(&wait->deferred);
		wait_begin(wait);
	} else if (wait->vm->core->state == VM_READY) {
		wait_done(wait, NULL);
	} else {
		vm_end_error(wait->vm, &why);
		wait_done(wait, &why);
	}
	return 0;
}

struct vm_wait *vm_wait(struct vm *vm, const struct vm_wait_handlers *handlers, void *data)
{
	struct vm_wait *wait = must(calloc(1, sizeof(*wait)));
	wait->vm = vm;
	wait->handlers = *handlers;
	wait->data = data;
	TAILQ_INSERT_TAIL(&vm->core->waits, wait, entry);
	wait_begin(wait);
	return wait;
}

void vm_wait_cancel(struct vm_wait *wait)
{
	if (!wait) {
		return;
	}
	TAILQ_REMOVE(&wait->vm->core->waits, wait, entry);
	loop_drop(&wait->deferred);
	free(wait);
}

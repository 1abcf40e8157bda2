/*
 * The reserve: clones of the preset's template that are ready before anybody asks.  Members are
 * hidden sandboxes; who creates one that is just the preset is given the oldest of them, which
 * costs a round trip to its agent.  The reserve is filled again one by one, when nothing else is
 * going on, and more slowly when that fails.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core.h"

#include <string.h>

#define IDLE_MS 100    /* of quiet, before the next one is made */
#define BUSY_TRIES 20  /* then it is made all the same */
#define FAILED_MS 1000 /* until it is tried again, doubled each time */
#define FAILED_MAX 6   /* times doubled */

struct vm_warm {
	sd_event_source *timer;
	unsigned busy, failures;
};

/* The preset, complete, and who runs it. */
static const struct vm_backend *wanted(
	struct vm_pool *pool, struct vm_spec *ret_spec, struct err *err)
{
	if (!vm_spec_make(&pool->config.preset, NULL, ret_spec, err)) {
		return NULL;
	}
	const struct vm_backend *backend = vm_backend_for(pool, ret_spec, err);
	if (backend && !backend->save) {
		backend = NULL;
		err_set(err, ERR_UNSUPPORTED, "there is no reserve on this backend");
	}
	if (!backend) {
		vm_spec_done(ret_spec);
		return NULL;
	}
	return backend;
}

/* ---- filling it ---- */

struct counts {
	int64_t members, live, busy;
};

static struct counts count(const struct vm_pool *pool)
{
	struct counts counts = { 0 };
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		bool starting = core->state == VM_STARTING;
		if (starting || core->state == VM_READY) {
			counts.members += core->warm;
			counts.live += !core->hidden;
			counts.busy += starting || core->job || !TAILQ_EMPTY(&core->calls);
		}
	}
	return counts;
}

static void again_after(struct vm_pool *pool, uint64_t ms);

static void on_member(struct vm *vm, const struct err *err, void *data)
{
	struct vm_pool *pool = vm->pool;
	(void)data;
	if (pool->freeing) {
		return;
	}
	if (!err) {
		pool->warm->failures = 0;
		log_debug("sandbox=%s is in reserve", vm->id);
		again_after(pool, IDLE_MS);
		return;
	}
	unsigned n = pool->warm->failures++;
	log_warning("sandbox=%s of the reserve: %s", vm->id, err->text);
	again_after(pool, (uint64_t)FAILED_MS << (n < FAILED_MAX ? n : FAILED_MAX));
}

static void add_one(struct vm_pool *pool)
{
	static const struct vm_wait_handlers handlers = { .done = on_member };
	struct vm_spec spec;
	struct err err;
	const struct vm_backend *backend = wanted(pool, &spec, &err);
	if (!backend) {
		log_warning("no sandboxes are kept in reserve: %s", err.text);
		return;
	}
	vm_forget_some(pool);
	struct vm *vm = vm_new(pool, backend, "", &spec);
	vm->core->hidden = vm->core->warm = true;
	vm_wait(vm, &handlers, NULL);
	if (!vm_begin_new(vm, &err)) {
		vm_failed(vm, &err);
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_pool *pool = data;
	struct vm_warm *warm = pool->warm;
	struct counts counts = count(pool);
	(void)source;
	(void)usec;
	loop_drop(&warm->timer);
	if (counts.members >= pool->config.warm ||
		counts.live + counts.members >= pool->config.max_sandboxes) {
		return 0;
	}
	if (counts.busy && ++warm->busy < BUSY_TRIES) {
		again_after(pool, IDLE_MS);
		return 0;
	}
	warm->busy = 0;
	add_one(pool);
	return 0;
}

static void again_after(struct vm_pool *pool, uint64_t ms)
{
	if (!pool->warm->timer) {
		pool->warm->timer = loop_after_ms(pool->event, ms, on_timer, pool);
	}
}

void vm_warm_refill(struct vm_pool *pool)
{
	if (pool->config.warm <= 0 || pool->freeing) {
		return;
	}
	if (!pool->warm) {
		pool->warm = must(calloc(1, sizeof(*pool->warm)));
	}
	if (!pool->warm->failures) { /* else a timer is set */
		again_after(pool, IDLE_MS);
	}
}

void vm_warm_free(struct vm_pool *pool)
{
	if (pool->warm) {
		loop_drop(&pool->warm->timer);
		free(take_ptr(&pool->warm));
	}
}

/* ---- taking one ---- */

static bool is_as_wanted(
	struct vm_pool *pool, const struct vm_backend *backend, const struct vm_spec *spec)
{
	struct vm_spec preset;
	struct err err;
	const struct vm_backend *of = spec->from ? NULL : wanted(pool, &preset, &err);
	if (!of) {
		return false;
	}
	bool same = of == backend && vm_spec_same_machine(&preset, spec);
	vm_spec_done(&preset);
	return same;
}

/* It may not be seen that it was there before: only its id and its machine are older. */
static void give_to(struct vm_core *core, const char *owner, const struct vm_spec *spec)
{
	struct vm_pool *pool = core->vm->pool;
	free(core->owner);
	core->owner = must(strdup(owner));
	core->hidden = core->warm = core->was_ready = false;
	core->times = (struct vm_times){ .created = vm_now_ms() };
	json_decref((json_t *)core->spec.labels);
	core->spec.labels = json_deep_copy(spec->labels);
	core->spec.timeout_ms = spec->timeout_ms;
	core->spec.idle_ms = spec->idle_ms;
	core->spec.on_timeout = spec->on_timeout;
	buf_done(&core->notes);
	TAILQ_REMOVE(&pool->vms, core, entry);
	TAILQ_INSERT_TAIL(&pool->vms, core, entry);
}

struct vm *vm_warm_take(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	const struct vm_spec *spec)
{
	struct vm_core *core;
	struct err err;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->warm && core->state == VM_READY && core->link && !core->lost_timer) {
			break;
		}
	}
	if (!core || !is_as_wanted(pool, backend, spec)) {
		return NULL;
	}
	if (pool->config.keep && backend->adopt && !vm_need_dir(core->vm, &err)) {
		log_warning("sandbox=%s cannot be kept: %s", core->vm->id, err.text);
	}
	log_info("sandbox=%s out of the reserve owner=%s", core->vm->id, owner);
	give_to(core, owner, spec);
	core->taken = true;
	vm_machine_renew(core->vm, false);
	vm_timeout_begin(core->vm);
	vm_record(core->vm);
	return core->vm;
}

static void on_taken_halted(struct vm_core *core)
{
	struct err err;
	if (!vm_template_start(core->vm, &err)) {
		vm_failed(core->vm, &err);
	}
}

bool vm_warm_start_again(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (!core->taken || vm->pool->freeing) {
		return false;
	}
	core->taken = false;
	log_warning("sandbox=%s out of the reserve starts again: %s", vm->id, why->text);
	vm_set_from(vm, NULL);
	vm_machine_halt(core, on_taken_halted);
	return true;
}

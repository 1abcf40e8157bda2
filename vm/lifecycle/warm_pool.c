/*
 * The warm pool: ready clones of the default template and of other images.  Members are internal
 * sandboxes, each with the key of its template.  A new sandbox with the same key claims the oldest
 * (warm_claim.c).  The pool is refilled one by one, the emptiest kind first, when the server is idle, and
 * more slowly after failures.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <string.h>

#define IDLE_MS 100    /* idle time before the next one is created */
#define BUSY_TRIES 20  /* then it is created anyway */
#define FAILED_MS 1000 /* until the next attempt, doubled each time */
#define FAILED_MAX 6   /* number of doublings */

struct warm_kind {
	const char *image; /* NULL: the default image */
	int64_t wanted;
	unsigned failures;
	uint64_t not_before_us;
};

struct vm_warm {
	sd_event_source *timer;
	unsigned busy;
	struct warm_kind kinds[1 + VM_WARM_IMAGES_MAX];
	size_t n_kinds;
};

/* A member's complete specification, backend and template key. */
struct recipe {
	struct vm_spec spec;
	const struct vm_backend *backend;
	char *key;
};

static void recipe_done(struct recipe *recipe)
{
	vm_spec_done(&recipe->spec);
	free(recipe->key);
}

static bool recipe_make(
	struct vm_pool *pool, const struct warm_kind *kind, struct recipe *ret, struct err *err)
{
	const struct vm_spec asked = { .image = kind->image,
		.network = pool->config.default_spec.network,
		.on_timeout = pool->config.default_spec.on_timeout };
	struct recipe recipe = { 0 };
	err->kind = ERR_NONE;
	if (!vm_spec_make(&pool->config.default_spec, &asked, &recipe.spec, err)) {
		return false;
	}
	recipe.backend = vm_backend_for(pool, &recipe.spec, err);
	if (recipe.backend && recipe.backend->save && recipe.backend->template_key) {
		vm_default_to(&recipe.spec.limits.memory_mib, recipe.backend->memory_mib);
		recipe.key = recipe.backend->template_key(pool, &recipe.spec, err);
	}
	if (!recipe.key) {
		if (err->kind == ERR_NONE) {
			err_set(err, ERR_UNSUPPORTED, "this backend has no warm pool");
		}
		recipe_done(&recipe);
		return false;
	}
	*ret = recipe;
	return true;
}

/* ---- counting ---- */

/* The members of a kind, ready ones only or all. */
static int64_t members(const struct vm_pool *pool, size_t kind, bool ready)
{
	const struct vm_core *core;
	int64_t n = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		n += lifecycle_of(core)->warm && lifecycle_of(core)->warm_kind == kind &&
		     (ready ? core->state == VM_READY : vm_is_live(core));
	}
	return n;
}

static bool has_room(const struct vm_pool *pool)
{
	const struct vm_core *core;
	int64_t live = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		live += vm_is_live(core) && (lifecycle_of(core)->warm || !core->internal);
	}
	return live < pool->config.max_sandboxes;
}

static bool is_busy(const struct vm_pool *pool)
{
	const struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->state == VM_STARTING || (core->state == VM_READY && core->job) ||
			(core->state == VM_READY && !TAILQ_EMPTY(&core->guest.calls))) {
			return true;
		}
	}
	return false;
}

void vm_pool_reserve(const struct vm_pool *pool, int64_t *ret_wanted, int64_t *ret_ready)
{
	*ret_wanted = *ret_ready = 0;
	for (size_t i = 0; lifecycle_pool(pool)->warm && i < lifecycle_pool(pool)->warm->n_kinds;
		i++) {
		*ret_wanted += lifecycle_pool(pool)->warm->kinds[i].wanted;
		*ret_ready += members(pool, i, true);
	}
}

/* ---- filling ---- */

static void again_after(struct vm_pool *pool, uint64_t ms);

/* Longer each time; logged once. */
static void put_off(struct warm_kind *kind, const struct err *why)
{
	unsigned n = kind->failures++;
	uint64_t wait_ms = (uint64_t)FAILED_MS << (n < FAILED_MAX ? n : FAILED_MAX);
	kind->not_before_us = loop_now_us() + wait_ms * 1000;
	if (n == 0) {
		log_warning("image %s: warm pool disabled for now: %s",
			kind->image ? kind->image : "default", why->text);
	}
}

static void on_member(struct vm *vm, const struct err *err, void *data)
{
	struct vm_pool *pool = vm->pool;
	struct warm_kind *kind = data;
	if (pool->freeing) {
		return;
	}
	if (!err) {
		kind->failures = 0;
		log_debug("sandbox=%s added to the warm pool", vm->id);
		again_after(pool, IDLE_MS);
		return;
	}
	put_off(kind, err);
	again_after(pool, IDLE_MS);
}

/* Members of an outdated template (a newer image of that name, another agent) are useless. */
static void end_stale(struct vm_pool *pool, size_t kind, const char *key)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (lifecycle_of(core)->warm && lifecycle_of(core)->warm_kind == kind &&
			vm_is_live(core) && strcmp(lifecycle_of(core)->warm_key, key) != 0) {
			vm_stop(core->vm, "the warm pool now uses another image");
		}
	}
}

static void add_one(struct vm_pool *pool, struct warm_kind *kind)
{
	static const struct vm_wait_handlers handlers = { .done = on_member };
	size_t index = (size_t)(kind - lifecycle_pool(pool)->warm->kinds);
	struct recipe recipe;
	struct err err;
	if (!recipe_make(pool, kind, &recipe, &err)) {
		put_off(kind, &err);
		again_after(pool, IDLE_MS);
		return;
	}
	vm_forget_some(pool);
	end_stale(pool, index, recipe.key);
	struct vm *vm = vm_new(pool, recipe.backend, "", &recipe.spec);
	vm->core->internal = lifecycle_of(vm->core)->warm = true;
	lifecycle_of(vm->core)->warm_kind = index;
	lifecycle_of(vm->core)->warm_key = take_ptr(&recipe.key);
	vm_wait(vm, &handlers, kind);
	if (!vm_begin(vm, &err) || !vm_template_start(vm, &err)) {
		vm_failed(vm, &err);
	}
	recipe_done(&recipe);
}

/* The kind that is due and lacks the largest part of its target; NULL: none.  *ret_ms: until the
 * next one is due, or 0. */
static struct warm_kind *next_kind(struct vm_pool *pool, uint64_t *ret_ms)
{
	struct warm_kind *next = NULL;
	uint64_t now = loop_now_us();
	int64_t has = 0;
	*ret_ms = 0;
	for (size_t i = 0; i < lifecycle_pool(pool)->warm->n_kinds; i++) {
		struct warm_kind *kind = &lifecycle_pool(pool)->warm->kinds[i];
		int64_t n = members(pool, i, false);
		if (n >= kind->wanted) {
			continue;
		}
		if (kind->not_before_us > now) {
			uint64_t ms = (kind->not_before_us - now) / 1000 + 1;
			*ret_ms = !*ret_ms || ms < *ret_ms ? ms : *ret_ms;
		} else if (!next || n * next->wanted < has * kind->wanted) {
			next = kind;
			has = n;
		}
	}
	return next;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_pool *pool = data;
	struct vm_warm *warm = lifecycle_pool(pool)->warm;
	uint64_t later_ms;
	struct warm_kind *kind = next_kind(pool, &later_ms);
	(void)source;
	(void)usec;
	loop_drop(&warm->timer);
	if (!kind || !has_room(pool)) {
		if (later_ms) {
			again_after(pool, later_ms);
		}
		return 0;
	}
	if (is_busy(pool) && ++warm->busy < BUSY_TRIES) {
		again_after(pool, IDLE_MS);
		return 0;
	}
	warm->busy = 0;
	add_one(pool, kind);
	return 0;
}

static void again_after(struct vm_pool *pool, uint64_t ms)
{
	if (!lifecycle_pool(pool)->warm->timer) {
		lifecycle_pool(pool)->warm->timer = loop_after_ms(pool->event, ms, on_timer, pool);
	}
}

static struct vm_warm *warm_new(const struct vm_config *config)
{
	struct vm_warm *warm = must(calloc(1, sizeof(*warm)));
	warm->kinds[warm->n_kinds++] = (struct warm_kind){ .wanted = config->warm };
	for (size_t i = 0; i < config->n_warm_images; i++) {
		warm->kinds[warm->n_kinds++] =
			(struct warm_kind){ .image = config->warm_images[i].image,
				.wanted = config->warm_images[i].count };
	}
	return warm;
}

static void refill(struct vm_pool *pool)
{
	if ((pool->config.warm <= 0 && !pool->config.n_warm_images) || pool->freeing) {
		return;
	}
	if (!lifecycle_pool(pool)->warm) {
		lifecycle_pool(pool)->warm = warm_new(&pool->config);
	}
	again_after(pool, IDLE_MS);
}

static void warm_free(struct vm_pool *pool)
{
	if (lifecycle_pool(pool)->warm) {
		loop_drop(&lifecycle_pool(pool)->warm->timer);
		free(take_ptr(&lifecycle_pool(pool)->warm));
	}
}

static void on_changed(struct vm *vm)
{
	refill(vm->pool);
}

static void forget(struct vm *vm)
{
	free(lifecycle_of(vm->core)->warm_key);
}

const struct vm_part vm_warm_part = {
	.begun = refill,
	.changed = on_changed,
	.forgotten = forget,
	.freed = warm_free,
};

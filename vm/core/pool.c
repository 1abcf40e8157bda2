/*
 * The pool: the list of sandboxes, their owners and limits.  vm/lifecycle creates them and
 * lifecycle.c changes their states.  Ended sandboxes stay in the list for a while without
 * resources, so that later calls can report the reason.
 */

#include "vm/core/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/core/core.h"

#include <string.h>

#define SAVE_MS 300000

const char *const vm_state_words[] = { "starting", "ready", "paused", "stopping", "gone", NULL };

void vm_config_fill(struct vm_config *c)
{
	if (!c->backend) {
		c->backend = "auto";
	}
	vm_spec_fill(&c->preset);
	vm_default_to(&c->max_sandboxes, 8);
	vm_default_to(&c->max_saved, 100);
	vm_default_to(&c->max_saved_mib, 16384);
	vm_default_to(&c->start_timeout_ms, 30000);
}

void vm_pool_init(struct vm_pool *pool, sd_event *event, const struct vm_config *config,
	const struct vm_backend *const *backends, const struct vm_part *const *parts)
{
	pool->event = sd_event_ref(event);
	pool->config = *config;
	pool->backends = backends;
	pool->parts = parts;
	vm_config_fill(&pool->config);
	TAILQ_INIT(&pool->vms);
}

struct vm *vm_init(struct vm_core *core, struct vm_pool *pool, const struct vm_backend *backend,
	const char *owner, struct vm_spec *spec)
{
	struct vm *vm = must(calloc(1, backend->size));
	vm->backend = backend;
	vm->pool = pool;
	vm->core = core;
	id_make(vm->id);
	core->vm = vm;
	core->owner = must(strdup(owner));
	core->state = VM_STARTING;
	core->save_ms = SAVE_MS;
	core->lock = -1;
	core->keep = pool->config.keep;
	core->start_us = loop_now_us();
	core->times.created = clock_wall_ms();
	core->spec = *spec;
	vm->spec = &core->spec;
	guest_init(&core->guest, pool->event, vm->id, &vm_guest_handlers, vm);
	core->guest.screen = vm->spec->screen;
	core->guest.frame = geometry_fit(vm->spec->screen);
	TAILQ_INIT(&core->waits);
	TAILQ_INIT(&core->refused);
	TAILQ_INSERT_TAIL(&pool->vms, core, entry);
	*spec = (struct vm_spec){ 0 };
	return vm;
}

static void vm_free(struct vm_core *core)
{
	TAILQ_REMOVE(&core->vm->pool->vms, core, entry);
	for (const struct vm_part *const *part = core->vm->pool->parts; *part; part++) {
		if ((*part)->forgotten) {
			(*part)->forgotten(core->vm);
		}
	}
	control_free(core->vm);
	buf_done(&core->notes);
	vm_spec_done(&core->spec);
	if (core->lock >= 0) {
		close(core->lock);
	}
	loop_drop(&core->tell_state);
	free(core->dir);
	free(core->from);
	free(core->owner);
	free(core->vm);
	free(core);
}

void vm_undo(struct vm *vm, const struct err *why)
{
	struct err copy = *why;
	vm_end(vm, &copy);
	vm_bury_now(vm->core);
	vm_free(vm->core);
}

void vm_pool_free(struct vm_pool *pool)
{
	if (!pool) {
		return;
	}
	struct vm_core *core;
	struct err why;
	err_set(&why, ERR_GONE, "the server is shutting down");
	pool->freeing = true;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		vm_keep_if_wanted(core);
		vm_end(core->vm, &why);
	}
	/* All are killed before waiting for the first. */
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		vm_bury_now(core);
	}
	work_wait_all();
	for (const struct vm_part *const *part = pool->parts; *part; part++) {
		if ((*part)->freed) {
			(*part)->freed(pool);
		}
	}
	while ((core = TAILQ_FIRST(&pool->vms))) {
		vm_free(core);
	}
	state_close(pool->state);
	sd_event_unref(pool->event);
	free(pool);
}

const struct vm_config *vm_pool_config(const struct vm_pool *pool)
{
	return &pool->config;
}

sd_event *vm_pool_event(const struct vm_pool *pool)
{
	return pool->event;
}

struct state *vm_pool_state(struct vm_pool *pool, struct err *err)
{
	if (!pool->state && pool->no_state.kind == ERR_NONE) {
		pool->state = state_open(pool->config.state_dir, &pool->no_state);
		if (!pool->state) {
			err_while(&pool->no_state, "state directory unavailable");
			log_warning("%s", pool->no_state.text);
		}
	}
	if (!pool->state) {
		*err = pool->no_state;
	}
	return pool->state;
}

struct listeners *vm_listeners(struct vm_pool *pool)
{
	return &pool->listeners;
}

void vm_pool_limit_owners(struct vm_pool *pool, vm_owner_limits_fn *fn, void *data)
{
	pool->owner_limits = fn;
	pool->owner_limits_data = data;
}

void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->state != VM_GONE && !core->hidden) {
			fn(core->vm, data);
		}
	}
}

/* ---- limits ---- */

static bool is_live(const struct vm_core *core)
{
	return core->state == VM_STARTING || core->state == VM_READY;
}

static bool is_there(const struct vm_core *core)
{
	return (is_live(core) || core->state == VM_PAUSED) && !core->hidden;
}

/* Frees the oldest ended ones, except those in use or watched. */
void vm_forget_some(struct vm_pool *pool)
{
	struct vm_core *core;
	size_t gone = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		gone += core->state == VM_GONE && !core->hidden;
	}
	core = TAILQ_FIRST(&pool->vms);
	while (core) {
		struct vm_core *next = TAILQ_NEXT(core, entry);
		bool too_many = core->hidden || gone >= VM_REMEMBERED;
		if (core->state == VM_GONE && too_many && TAILQ_EMPTY(&core->waits) &&
			TAILQ_EMPTY(&core->guest.calls) && !core->watches && !core->pins &&
			!core->users) {
			gone -= !core->hidden;
			vm_free(core);
		}
		core = next;
	}
}

/* The running ones, of all owners or of one (owner). */
static int64_t count_live(const struct vm_pool *pool, const char *owner)
{
	struct vm_core *core;
	int64_t live = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		live += is_live(core) && !core->hidden &&
			(!owner || strcmp(core->owner, owner) == 0);
	}
	return live;
}

struct vm_owner_limits vm_limits_of(const struct vm_pool *pool, const char *owner)
{
	struct vm_owner_limits limits = { 0 };
	if (pool->owner_limits) {
		limits = pool->owner_limits(owner, pool->owner_limits_data);
	}
	vm_default_to(&limits.saved, pool->config.max_saved);
	vm_default_to(&limits.saved_mib, pool->config.max_saved_mib);
	return limits;
}

bool vm_may_create(struct vm_pool *pool, const char *owner, int64_t n, struct err *err)
{
	if (pool->freeing) {
		return err_set(err, ERR_GONE, "the server is shutting down");
	}
	int64_t own = vm_limits_of(pool, owner).sandboxes;
	if (own > 0 && count_live(pool, owner) + n > own) {
		return err_set(err, ERR_LIMIT,
			"sandbox quota reached (%lld). End one first (sandbox_kill)",
			(long long)own);
	}
	int64_t live = count_live(pool, NULL), max = pool->config.max_sandboxes;
	if (live + n <= max) {
		return true;
	}
	return n == 1 ? err_set(err, ERR_LIMIT,
				"sandbox limit of this server reached (%lld). End one first "
				"(sandbox_kill), or start the server with a larger "
				"--max-sandboxes",
				(long long)max)
		      : err_set(err, ERR_LIMIT,
				"sandbox limit of this server is %lld; %lld exist, so %lld more "
				"cannot be created. End some first (sandbox_kill), or "
				"start the server with a larger --max-sandboxes",
				(long long)max, (long long)live, (long long)n);
}

bool vm_may_resume(const struct vm *vm, struct err *err)
{
	return vm_may_create(vm->pool, vm->core->owner, 1, err);
}

void vm_touch(struct vm *vm)
{
	vm_used(vm);
}

void vm_use(struct vm *vm)
{
	vm->core->users++;
	vm_used(vm);
}

void vm_unuse(struct vm *vm)
{
	vm->core->users--;
	vm_used(vm);
}

/* ---- lookup ---- */

struct vm *vm_find(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	struct vm_core *core;
	if (!id_is_valid(id)) {
		err_set(err, ERR_NOT_FOUND,
			"a sandbox id must be %d characters a-z and 0-9. Omit it to use your "
			"default sandbox",
			ID_LEN);
		return NULL;
	}
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->hidden || strcmp(core->vm->id, id) != 0 ||
			strcmp(core->owner, owner) != 0) {
			continue;
		}
		if (is_there(core)) {
			return core->vm;
		}
		vm_end_error(core->vm, err);
		err->kind = ERR_GONE;
		return NULL;
	}
	err_set(err, ERR_NOT_FOUND,
		"you have no sandbox '%s'. Omit the argument to use your default sandbox", id);
	return NULL;
}

struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (is_there(core) && strcmp(core->owner, owner) == 0 && i-- == 0) {
			return core->vm;
		}
	}
	return NULL;
}

const struct vm_spec *vm_preset(const struct vm_pool *pool)
{
	return &pool->config.preset;
}

struct guest *vm_guest(struct vm *vm)
{
	return &vm->core->guest;
}

const char *vm_id(const struct vm *vm)
{
	return vm->id;
}

const struct vm_spec *vm_spec(const struct vm *vm)
{
	return vm->spec;
}

enum vm_state vm_state(const struct vm *vm)
{
	return vm->core->state;
}

const char *vm_owner(const struct vm *vm)
{
	return vm->core->owner;
}

const char *vm_backend_name(const struct vm *vm)
{
	return vm->backend->name;
}

const char *vm_no_limit_on(const struct vm *vm)
{
	return vm->no_limit_on;
}

struct size vm_frame(const struct vm *vm)
{
	return vm->core->guest.frame;
}

struct size vm_screen(const struct vm *vm)
{
	return vm->core->guest.screen;
}

/*
 * The pool: which sandboxes exist, whose they are, and how many there may be.  Only this file
 * allocates a sandbox; life.c moves it from one state to the next.  Ended sandboxes stay in the
 * list for a while without anything behind them, so that a later call learns why.
 */

#include "vm/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/core.h"

#include <stdio.h>
#include <string.h>

/* In order of preference.  A guessing pool never ends up on the fake one: its user would drive a
 * desktop that is none. */
static const struct vm_backend *const backends[] = {
	&vm_backend_microvm,
	&vm_backend_namespace,
	&vm_backend_fake,
};
const char *const vm_backend_words[] = { "auto", "microvm", "namespace", "fake", NULL };
#define N_BACKENDS (sizeof(backends) / sizeof(backends[0]))

#define GUARD_MS 10000

const char *const vm_state_words[] = { "starting", "ready", "paused", "stopping", "gone", NULL };
const char *const vm_network_words[] = { "none", "internet", NULL };
const char *const vm_on_timeout_words[] = { "kill", "pause", NULL };

static void default_to(int64_t *value, int64_t preset)
{
	if (*value <= 0) {
		*value = preset;
	}
}

static void fill_defaults(struct vm_config *c)
{
	if (!c->backend) {
		c->backend = "auto";
	}
	struct vm_spec *preset = &c->preset;
	if (preset->screen.width <= 0 || preset->screen.height <= 0) {
		preset->screen = (struct size){ 1280, 800 };
	}
	default_to(&preset->limits.memory_mib, 2048);
	default_to(&preset->limits.processes, 1024);
	default_to(&preset->limits.files, 4096);
	default_to(&preset->limits.disk_mib, 1024);
	default_to(&c->max_sandboxes, 8);
	default_to(&c->start_timeout_ms, 30000);
}

struct vm_pool *vm_pool_new(sd_event *event, const struct vm_config *config)
{
	struct vm_pool *pool = must(calloc(1, sizeof(*pool)));
	pool->event = sd_event_ref(event);
	pool->config = *config;
	fill_defaults(&pool->config);
	TAILQ_INIT(&pool->vms);
	return pool;
}

static void vm_free(struct vm_core *core)
{
	TAILQ_REMOVE(&core->vm->pool->vms, core, entry);
	sd_event_source_unref(core->guard);
	buf_done(&core->notes);
	free(core->owner);
	free(core->vm);
	free(core);
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
		vm_end(core->vm, &why);
	}
	/* All are killed before the first is waited for. */
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		vm_bury_now(core);
	}
	while ((core = TAILQ_FIRST(&pool->vms))) {
		vm_free(core);
	}
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

void vm_pool_on_screen(struct vm_pool *pool, vm_screen_fn *fn, void *data)
{
	pool->on_screen = fn;
	pool->on_screen_data = data;
}

void vm_pool_on_news(struct vm_pool *pool, vm_news_fn *fn, void *data)
{
	pool->on_news = fn;
	pool->on_news_data = data;
}

void vm_pool_on_started(struct vm_pool *pool, vm_started_fn *fn, void *data)
{
	pool->on_started = fn;
	pool->on_started_data = data;
}

void vm_pool_limit_owners(struct vm_pool *pool, vm_owner_limit_fn *fn, void *data)
{
	pool->owner_limit = fn;
	pool->owner_limit_data = data;
}

void vm_pool_each(struct vm_pool *pool, void (*fn)(struct vm *vm, void *data), void *data)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->state != VM_GONE) {
			fn(core->vm, data);
		}
	}
}

static const struct vm_backend *backend_find(const char *name, struct err *err)
{
	if (strcmp(name, "auto") == 0) {
		return &vm_backend_namespace;
	}
	for (size_t i = 0; i < N_BACKENDS; i++) {
		if (strcmp(name, backends[i]->name) == 0) {
			return backends[i];
		}
	}
	err_set(err, ERR_UNSUPPORTED,
		"there is no backend '%.40s'; use auto, microvm, namespace or fake", name);
	return NULL;
}

static bool is_live(const struct vm_core *core)
{
	return core->state == VM_STARTING || core->state == VM_READY;
}

/* Forgets the oldest ended ones, but none that somebody still waits for or watches. */
static void forget_some(struct vm_pool *pool)
{
	struct vm_core *core;
	size_t gone = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		gone += core->state == VM_GONE;
	}
	core = TAILQ_FIRST(&pool->vms);
	while (core && gone >= VM_REMEMBERED) {
		struct vm_core *next = TAILQ_NEXT(core, entry);
		if (core->state == VM_GONE && TAILQ_EMPTY(&core->waits) &&
			TAILQ_EMPTY(&core->calls) && !core->watches) {
			vm_free(core);
			gone--;
		}
		core = next;
	}
}

/* All of them, or with owner only those of that one. */
static int64_t count_live(const struct vm_pool *pool, const char *owner)
{
	struct vm_core *core;
	int64_t live = 0;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		live += is_live(core) && (!owner || strcmp(core->owner, owner) == 0);
	}
	return live;
}

static bool may_create(struct vm_pool *pool, const char *owner, struct err *err)
{
	if (pool->freeing) {
		return err_set(err, ERR_GONE, "the server is shutting down");
	}
	int64_t own = pool->owner_limit ? pool->owner_limit(owner, pool->owner_limit_data) : 0;
	if (own > 0 && count_live(pool, owner) >= own) {
		return err_set(err, ERR_LIMIT,
			"you may have %lld sandbox%s at once, and no more; end one first",
			(long long)own, own == 1 ? "" : "es");
	}
	if (count_live(pool, NULL) >= pool->config.max_sandboxes) {
		return err_set(err, ERR_LIMIT,
			"all %lld sandboxes of this server are in use; end one first, or raise "
			"max_sandboxes",
			(long long)pool->config.max_sandboxes);
	}
	return true;
}

static struct vm *vm_new(struct vm_pool *pool, const struct vm_backend *backend, const char *owner)
{
	struct vm *vm = must(calloc(1, backend->size));
	struct vm_core *core = must(calloc(1, sizeof(*core)));
	vm->backend = backend;
	vm->pool = pool;
	vm->core = core;
	id_make(vm->id);
	core->vm = vm;
	core->owner = must(strdup(owner));
	core->state = VM_STARTING;
	core->guard_ms = GUARD_MS;
	vm->spec = &pool->config.preset;
	core->screen = vm->spec->screen;
	core->frame = geometry_fit(core->screen);
	TAILQ_INIT(&core->waits);
	TAILQ_INIT(&core->calls);
	TAILQ_INSERT_TAIL(&pool->vms, core, entry);
	return vm;
}

struct vm *vm_create(
	struct vm_pool *pool, const char *owner, const struct vm_spec *spec, struct err *err)
{
	(void)spec;
	const struct vm_backend *backend = backend_find(pool->config.backend, err);
	return backend ? vm_create_on(backend, pool, owner, err) : NULL;
}

struct vm *vm_create_on(
	const struct vm_backend *backend, struct vm_pool *pool, const char *owner, struct err *err)
{
	if (!may_create(pool, owner, err)) {
		return NULL;
	}
	forget_some(pool);
	struct vm *vm = vm_new(pool, backend, owner);
	vm_start_clock(vm);
	log_info("sandbox=%s starting backend=%s owner=%s", vm->id, backend->name, owner);
	if (!backend->start(vm, err)) {
		struct err why = *err;
		vm_end(vm, &why);
		vm_bury_now(vm->core);
		vm_free(vm->core);
		err_while(err, "the sandbox could not be started");
		return NULL;
	}
	return vm;
}

struct vm *vm_find(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	struct vm_core *core;
	if (!id_is_valid(id)) {
		err_set(err, ERR_NOT_FOUND,
			"a sandbox id is %d characters a-z and 0-9; leave it out to use your "
			"default sandbox",
			ID_LEN);
		return NULL;
	}
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (strcmp(core->vm->id, id) != 0 || strcmp(core->owner, owner) != 0) {
			continue;
		}
		if (is_live(core)) {
			return core->vm;
		}
		vm_end_error(core->vm, err);
		err->kind = ERR_GONE;
		return NULL;
	}
	err_set(err, ERR_NOT_FOUND,
		"you have no sandbox '%s'; leave it out to use your default sandbox", id);
	return NULL;
}

static struct vm_core *default_of(struct vm_pool *pool, const char *owner)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (core->is_default && strcmp(core->owner, owner) == 0) {
			break;
		}
	}
	return core;
}

struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	struct vm_core *old = default_of(pool, owner);
	if (old && is_live(old)) {
		return old->vm;
	}
	/* Creating one may forget the old one: say what is to be said of it from a copy. */
	char note[700] = "";
	if (old && old->was_ready) {
		snprintf(note, sizeof(note),
			"This is a new sandbox: the one before it ended (%s). Its programs and "
			"files are gone.",
			old->why.text);
	}
	struct vm *vm = vm_create(pool, owner, NULL, err);
	if (!vm) {
		return NULL;
	}
	old = default_of(pool, owner);
	if (old) {
		old->is_default = false;
	}
	vm->core->is_default = true;
	if (note[0]) {
		vm_add_note(vm, "%s", note);
	}
	return vm;
}

struct vm *vm_at(struct vm_pool *pool, const char *owner, size_t i)
{
	struct vm_core *core;
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		if (is_live(core) && strcmp(core->owner, owner) == 0 && i-- == 0) {
			return core->vm;
		}
	}
	return NULL;
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

struct size vm_frame(const struct vm *vm)
{
	return vm->core->frame;
}

struct size vm_screen(const struct vm *vm)
{
	return vm->core->screen;
}

void vm_probe(const struct vm_config *config,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data)
{
	struct vm_config filled = *config;
	fill_defaults(&filled);
	for (size_t i = 0; i < N_BACKENDS; i++) {
		auto_free char *detail = NULL;
		struct err err = { 0 };
		bool works = backends[i]->probe(&filled, &detail, &err);
		fn(backends[i]->name, works ? NULL : &err, detail, data);
	}
}

/*
 * The pool: which sandboxes exist, whose they are, and how many there may be.  Only this file
 * allocates a sandbox; life.c moves it from one state to the next.  Ended sandboxes stay in the
 * list for a while without anything behind them, so that a later call learns why.
 */

#include "vm/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
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
#define PAUSED_FACTOR 4 /* paused sandboxes there may be for each live one */

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
	TAILQ_INIT(&pool->templates);
	vm_warm_refill(pool);
	return pool;
}

static void vm_free(struct vm_core *core)
{
	TAILQ_REMOVE(&core->vm->pool->vms, core, entry);
	vm_timeout_end(core->vm);
	control_free(core->vm);
	buf_done(&core->notes);
	vm_spec_done(&core->spec);
	if (core->lock >= 0) {
		close(core->lock);
	}
	free(core->dir);
	free(core->from);
	free(core->template_key);
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
		vm_keep_if_wanted(core);
		vm_end(core->vm, &why);
	}
	/* All are killed before the first is waited for. */
	TAILQ_FOREACH(core, &pool->vms, entry)
	{
		vm_bury_now(core);
	}
	work_wait_all();
	vm_warm_free(pool);
	vm_templates_free(pool);
	while ((core = TAILQ_FIRST(&pool->vms))) {
		vm_free(core);
	}
	vm_snapshots_free(pool);
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
			err_while(&pool->no_state, "there is no state directory");
			log_warning("%s", pool->no_state.text);
		}
	}
	if (!pool->state) {
		*err = pool->no_state;
	}
	return pool->state;
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

void vm_pool_on_ended(struct vm_pool *pool, vm_ended_fn *fn, void *data)
{
	pool->on_ended = fn;
	pool->on_ended_data = data;
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
		if (core->state != VM_GONE && !core->hidden) {
			fn(core->vm, data);
		}
	}
}

static const struct vm_backend *backend_named(const char *name)
{
	for (size_t i = 0; i < N_BACKENDS; i++) {
		if (strcmp(name, backends[i]->name) == 0) {
			return backends[i];
		}
	}
	return NULL;
}

/* What namespaces do not have. */
static const char *needs_machine(const struct vm_spec *spec)
{
	return spec->image                        ? "images need"
	       : spec->network != VM_NETWORK_NONE ? "a network needs"
	       : spec->from                       ? "snapshots need"
						  : NULL;
}

/* The first that says it is likely to work; the last resort says so when it does not. */
static const struct vm_backend *backend_guess(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	struct err why = { 0 };
	for (size_t i = 0; i < N_BACKENDS; i++) {
		if (backends[i]->is_likely && backends[i]->is_likely(pool, spec, &why)) {
			return backends[i];
		}
	}
	if (why.kind != ERR_NONE && strcmp(why.text, pool->guessed.text) != 0) {
		pool->guessed = why;
		log_info("backend=namespace, for microvm: %s", why.text);
	}
	/* Why that one does not work says more than that this one cannot. */
	if (needs_machine(spec) && why.kind != ERR_NONE) {
		*err = why;
		err_while(err, "%s the microvm backend", needs_machine(spec));
		return NULL;
	}
	return &vm_backend_namespace;
}

const struct vm_backend *vm_backend_for(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	const char *name = pool->config.backend;
	if (strcmp(name, "auto") == 0) {
		return backend_guess(pool, spec, err);
	}
	const struct vm_backend *backend = backend_named(name);
	if (!backend) {
		err_set(err, ERR_UNSUPPORTED,
			"there is no backend '%.40s'; use auto, microvm, namespace or fake", name);
	}
	return backend;
}

/* ---- how many ---- */

static bool is_live(const struct vm_core *core)
{
	return core->state == VM_STARTING || core->state == VM_READY;
}

static bool is_there(const struct vm_core *core)
{
	return (is_live(core) || core->state == VM_PAUSED) && !core->hidden;
}

/* Forgets the oldest ended ones, but none that somebody still waits for or watches. */
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
			TAILQ_EMPTY(&core->calls) && !core->watches && !core->pins) {
			gone -= !core->hidden;
			vm_free(core);
		}
		core = next;
	}
}

/* Those that run, of everybody or (owner) of one. */
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

bool vm_may_create(struct vm_pool *pool, const char *owner, int64_t n, struct err *err)
{
	if (pool->freeing) {
		return err_set(err, ERR_GONE, "the server is shutting down");
	}
	int64_t own = pool->owner_limit ? pool->owner_limit(owner, pool->owner_limit_data) : 0;
	if (own > 0 && count_live(pool, owner) + n > own) {
		return err_set(err, ERR_LIMIT,
			"you may have %lld sandbox%s at once, and no more; end one first",
			(long long)own, own == 1 ? "" : "es");
	}
	int64_t live = count_live(pool, NULL), max = pool->config.max_sandboxes;
	if (live + n <= max) {
		return true;
	}
	return n == 1 ? err_set(err, ERR_LIMIT,
				"all %lld sandboxes of this server are in use; end one first, or "
				"raise max_sandboxes",
				(long long)max)
		      : err_set(err, ERR_LIMIT,
				"this server may have %lld sandboxes and has %lld, so there is no "
				"room for %lld more; end some first, or raise max_sandboxes",
				(long long)max, (long long)live, (long long)n);
}

bool vm_may_resume(const struct vm *vm, struct err *err)
{
	return vm_may_create(vm->pool, vm->core->owner, 1, err);
}

/* Paused ones cost only disk, but not without end. */
bool vm_may_pause(const struct vm *vm, struct err *err)
{
	struct vm_core *core;
	int64_t paused = 0, max = PAUSED_FACTOR * vm->pool->config.max_sandboxes;
	TAILQ_FOREACH(core, &vm->pool->vms, entry)
	{
		paused += core->state == VM_PAUSED;
	}
	return paused < max || err_set(err, ERR_LIMIT,
				       "this server keeps at most %lld paused sandboxes; end one "
				       "of them first",
				       (long long)max);
}

/* ---- making one ---- */

struct vm *vm_new(struct vm_pool *pool, const struct vm_backend *backend, const char *owner,
	struct vm_spec *spec)
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
	core->lock = -1;
	core->keep = pool->config.keep;
	core->start_us = loop_now_us();
	core->times.created = vm_now_ms();
	core->spec = *spec;
	vm->spec = &core->spec;
	core->screen = spec->screen;
	core->frame = geometry_fit(core->screen);
	TAILQ_INIT(&core->waits);
	TAILQ_INIT(&core->calls);
	TAILQ_INIT(&core->refused);
	TAILQ_INSERT_TAIL(&pool->vms, core, entry);
	*spec = (struct vm_spec){ 0 };
	return vm;
}

void vm_undo(struct vm *vm, const struct err *why)
{
	struct err copy = *why;
	vm_end(vm, &copy);
	vm_bury_now(vm->core);
	vm_free(vm->core);
}

void vm_settle(struct vm *vm, const char *image, int64_t memory_mib, int64_t cpus)
{
	struct vm_spec *spec = &vm->core->spec;
	if (image && (!spec->image || strcmp(spec->image, image) != 0)) {
		free((char *)spec->image);
		spec->image = must(strdup(image));
	}
	default_to(&spec->limits.memory_mib, memory_mib);
	default_to(&spec->limits.cpus, cpus);
}

/* A spec that names a snapshot is that of the snapshot's machine. */
static bool spec_of(struct vm_pool *pool, const char *owner, const struct vm_spec *asked,
	struct vm_spec *ret, struct err *err)
{
	struct vm_spec spec = asked ? *asked : pool->config.preset;
	if (spec.from) {
		const struct vm_snapshot *snapshot = vm_snapshot_find(pool, owner, spec.from, err);
		if (!snapshot) {
			return false;
		}
		spec.from = snapshot->id;
		spec.image = snapshot->spec.image;
		spec.screen = snapshot->spec.screen;
		spec.limits = snapshot->spec.limits;
		spec.network = snapshot->spec.network;
	}
	return vm_spec_make(&pool->config.preset, &spec, ret, err);
}

static bool begin(struct vm *vm, struct err *err)
{
	bool kept = vm->pool->config.keep && vm->backend->adopt;
	if ((vm->backend->needs_dir || kept) && !vm_need_dir(vm, err)) {
		return false;
	}
	vm_timeout_begin(vm);
	vm_record(vm);
	return true;
}

bool vm_begin_from(struct vm *vm, const char *from, struct err *err)
{
	vm_set_from(vm, from);
	vm->core->new_names = from != NULL;
	return begin(vm, err) && vm_machine_start(vm, err);
}

bool vm_begin_new(struct vm *vm, struct err *err)
{
	if (!vm->spec->from) {
		return begin(vm, err) && vm_template_start(vm, err);
	}
	struct state *state = vm_pool_state(vm->pool, err);
	if (!state) {
		return false;
	}
	auto_free char *path = state_path(state, STATE_SNAPSHOTS, vm->spec->from);
	return vm_begin_from(vm, path, err);
}

static struct vm *create(const struct vm_backend *backend, struct vm_pool *pool, const char *owner,
	struct vm_spec *spec, struct err *err)
{
	default_to(&spec->limits.memory_mib, backend->memory_mib);
	if (needs_machine(spec) && !backend->save) {
		vm_cannot(backend, needs_machine(spec), err);
		return vm_spec_done(spec), NULL;
	}
	vm_forget_some(pool);
	struct vm *vm = vm_warm_take(pool, backend, owner, spec);
	if (vm) {
		vm_spec_done(spec);
		return vm;
	}
	vm = vm_new(pool, backend, owner, spec);
	log_info("sandbox=%s starting backend=%s owner=%s", vm->id, backend->name, owner);
	if (!vm_begin_new(vm, err)) {
		vm_undo(vm, err);
		err_while(err, "the sandbox could not be started");
		return NULL;
	}
	return vm;
}

struct vm *vm_create(
	struct vm_pool *pool, const char *owner, const struct vm_spec *asked, struct err *err)
{
	struct vm_spec spec;
	if (!vm_may_create(pool, owner, 1, err) || !spec_of(pool, owner, asked, &spec, err)) {
		return NULL;
	}
	const struct vm_backend *backend = vm_backend_for(pool, &spec, err);
	if (!backend) {
		vm_spec_done(&spec);
		return NULL;
	}
	return create(backend, pool, owner, &spec, err);
}

struct vm *vm_create_on(
	const struct vm_backend *backend, struct vm_pool *pool, const char *owner, struct err *err)
{
	struct vm_spec spec;
	if (!vm_may_create(pool, owner, 1, err) || !spec_of(pool, owner, NULL, &spec, err)) {
		return NULL;
	}
	return create(backend, pool, owner, &spec, err);
}

struct vm *vm_put_back(struct vm_pool *pool, const struct vm_left *left, struct err *err)
{
	const struct vm_backend *backend = backend_named(left->backend);
	auto_close int lock = left->lock;
	struct state *state = vm_pool_state(pool, err);
	struct vm_spec spec;
	if (!state) {
		return NULL;
	}
	if (!backend || (left->paused ? !backend->save : !backend->adopt)) {
		err_set(err, ERR_UNSUPPORTED, "a sandbox of backend '%.40s' cannot be taken over",
			left->backend);
		return NULL;
	}
	vm_spec_copy(left->spec, &spec);
	struct vm *vm = vm_new(pool, backend, left->owner, &spec);
	struct vm_core *core = vm->core;
	memcpy(vm->id, left->id, sizeof(vm->id));
	vm->dir = core->dir = state_path(state, STATE_SANDBOXES, vm->id);
	core->times = left->times;
	core->is_default = left->is_default;
	core->keep |= left->keep;
	core->was_ready = true;
	core->state = left->paused ? VM_PAUSED : VM_STARTING;
	core->adopting = !left->paused;
	if (core->adopting && !vm_machine_start(vm, err)) {
		free(take_ptr(&core->dir)); /* it stays as it was */
		vm->dir = NULL;
		vm_undo(vm, err);
		return NULL;
	}
	core->lock = take_fd(&lock);
	vm_timeout_begin(vm);
	return vm;
}

/* ---- finding one ---- */

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

struct vm *vm_find_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	const struct vm_core *core = default_of(pool, owner);
	if (core && is_there(core)) {
		return core->vm;
	}
	err_set(err, ERR_NOT_FOUND,
		"you have no default sandbox now; any tool called without 'sandbox' that works in "
		"one "
		"makes it");
	return NULL;
}

struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	struct vm_core *old = default_of(pool, owner);
	if (old && is_there(old)) {
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
	vm_record(vm);
	return vm;
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

/*
 * Templates by key.  The first sandbox that needs one causes its creation: an internal sandbox
 * boots and is saved when its desktop is ready.  Sandboxes that need it meanwhile wait, receive the
 * stages, and then start from it; later ones start from it immediately.  If another process creates
 * it, vm/lifecycle/template_wait.c reports the end.
 */

#include "vm/lifecycle/template.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/guest/guest.h"
#include "vm/lifecycle/lifecycle_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WINDOW_MS (20 * 60000) /* for a program that must be open; a browser takes minutes */
#define REST_MS 60000          /* until the desktop is idle */
#define WARM_REST_MS 300000    /* the same with open programs */
#define WITHOUT_MINUTES 10     /* until the next attempt after a failed save */

TAILQ_HEAD(waiting, lifecycle);

struct vm_template {
	TAILQ_ENTRY(vm_template) entry;
	struct vm_pool *pool;
	char *key, *path; /* path: of the complete one */
	struct waiting waiting;
	int use; /* a shared lock, which prevents its deletion; or -1 */
	uint64_t inode;
	uint64_t without_us; /* until then it is not used */

	/* while it is being created, in this order */
	sd_event_source *soon;
	struct template_wait *elsewhere; /* another process creates it */
	char *unfinished;
	int lock;
	struct vm *maker;
	struct vm_job job;
	bool written;
	struct err why;
};

static void make_soon(struct vm_template *t);

static struct vm_template *template_of_job(struct vm_job *job)
{
	return (struct vm_template *)(void *)((char *)job - offsetof(struct vm_template, job));
}

static struct vm_template *template_of(struct vm_pool *pool, const char *key)
{
	struct vm_template *t;
	TAILQ_FOREACH(t, &lifecycle_pool(pool)->templates, entry)
	{
		if (strcmp(t->key, key) == 0) {
			return t;
		}
	}
	t = must(calloc(1, sizeof(*t)));
	t->pool = pool;
	t->key = must(strdup(key));
	t->path = state_path(pool->state, STATE_TEMPLATES, key);
	t->use = t->lock = -1;
	TAILQ_INIT(&t->waiting);
	TAILQ_INSERT_TAIL(&lifecycle_pool(pool)->templates, t, entry);
	return t;
}

static bool is_being_made(const struct vm_template *t)
{
	return t->soon || t->elsewhere || t->unfinished;
}

static void no_use(struct vm_template *t)
{
	if (t->use >= 0) {
		close(take_fd(&t->use));
	}
}

/* It exists: identifies and locks it. */
static bool find(struct vm_template *t)
{
	struct stat st;
	if (t->use < 0) {
		t->use = state_use(t->pool->state, STATE_TEMPLATES, t->key);
	}
	if (t->use < 0 || fstat(t->use, &st) < 0) {
		return false;
	}
	t->inode = st.st_ino;
	template_touch(t->use);
	return true;
}

/* ---- unused templates ---- */

static bool is_started_from(const struct vm_template *t)
{
	const struct vm_core *core;
	TAILQ_FOREACH(core, &t->pool->vms, entry)
	{
		if (vm_comes_from(core, ORIGIN_TEMPLATE) &&
			strcmp(lifecycle_of(core)->template_key, t->key) == 0) {
			return true;
		}
	}
	return false;
}

static void template_free(struct vm_template *t)
{
	no_use(t);
	TAILQ_REMOVE(&lifecycle_pool(t->pool)->templates, t, entry);
	free(t->key);
	free(t->path);
	free(t);
}

/* Once read, a template need not stay: the next user finds or creates it again. */
static void let_go_of_unused(struct vm_pool *pool)
{
	struct vm_template *t, *next;
	for (t = TAILQ_FIRST(&lifecycle_pool(pool)->templates); t; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (TAILQ_EMPTY(&t->waiting) && !is_being_made(t) && !is_started_from(t) &&
			loop_now_us() >= t->without_us) {
			template_free(t);
		}
	}
}

static void collect_once(struct vm_pool *pool)
{
	if (!lifecycle_pool(pool)->collected) {
		lifecycle_pool(pool)->collected = true;
		template_collect(pool, 0);
	}
}

/* ---- starting ---- */

static bool start_from(struct vm_template *t, struct vm *vm, struct err *err)
{
	struct lifecycle *l = lifecycle_of(vm->core);
	free(l->template_key);
	l->template_key = must(strdup(t->key));
	l->template_inode = t->inode;
	return vm_machine_start(vm, ORIGIN_TEMPLATE, t->path, err);
}

static void wait_for(struct vm_template *t, struct vm *vm)
{
	struct lifecycle *l = lifecycle_of(vm->core);
	l->template = t;
	vm->core->stages_before = VM_TEMPLATE_STEPS;
	TAILQ_INSERT_TAIL(&t->waiting, l, template_entry);
	if (!is_being_made(t)) {
		make_soon(t);
	}
}

static void wait_no_more(struct vm *vm)
{
	struct lifecycle *l = lifecycle_of(vm->core);
	if (l->template) {
		TAILQ_REMOVE(&l->template->waiting, l, template_entry);
		l->template = NULL;
	}
}

/* Removes and returns the first waiting sandbox; NULL: none. */
static struct vm *take_waiting(struct vm_template *t)
{
	struct lifecycle *l = TAILQ_FIRST(&t->waiting);
	if (!l) {
		return NULL;
	}
	wait_no_more(l->core.vm);
	return l->core.vm;
}

/* The failed VM is ending; the next one starts when nothing is left of it. */
static void on_failed_halted(struct vm_core *core)
{
	struct vm *vm = core->vm;
	struct vm_template *t = template_of(vm->pool, lifecycle_of(core)->template_key);
	struct err err;
	if (!is_being_made(t) && t->use >= 0 && t->inode == lifecycle_of(core)->template_inode) {
		log_warning("template=%s deleted: %s", t->key, core->why.text);
		no_use(t);
		state_remove(t->pool->state, STATE_TEMPLATES, t->key);
	}
	if (is_being_made(t) || !find(t)) {
		wait_for(t, vm);
	} else if (!start_from(t, vm, &err)) {
		vm_failed(vm, &err);
	}
}

/* Its VM runs, and its agent has sent nothing: it hangs. */
static bool hangs(const struct vm_core *core)
{
	return core->guest.link && !core->said_hello;
}

/* A boot would fail for the same lack of host resources.  Any other failure may be caused by the
 * template: which file is damaged, and how, determines which part fails. */
static bool may_be_to_blame(const struct vm_core *core, const struct err *why)
{
	static const int lacks[] = { ENOMEM, EMFILE, ENFILE, EAGAIN, ENOSPC, EDQUOT };
	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		if (why->sys == lacks[i]) {
			return false;
		}
	}
	return why->kind != ERR_TIMEOUT || hangs(core);
}

static bool start_again(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->origin != ORIGIN_TEMPLATE || lifecycle_of(core)->template_again ||
		vm->pool->freeing || !may_be_to_blame(core, why)) {
		return false;
	}
	lifecycle_of(core)->template_again = true;
	core->why = *why;
	vm_machine_halt(core, on_failed_halted);
	return true;
}

bool vm_template_start(struct vm *vm, struct err *err)
{
	struct vm_pool *pool = vm->pool;
	*err = (struct err){ 0 };
	auto_free char *key =
		vm->backend->template_key ? vm->backend->template_key(pool, vm->spec, err) : NULL;
	if (!key) {
		return err->kind == ERR_NONE && vm_machine_start(vm, ORIGIN_BOOT, NULL, err);
	}
	if (!vm_pool_state(pool, err)) {
		return vm_machine_start(vm, ORIGIN_BOOT, NULL, err); /* as a slow cold boot */
	}
	if (!state_name_is_valid(key)) {
		return err_set(err, ERR_HOST, "invalid template key '%.80s'", key);
	}
	struct vm_template *t = template_of(pool, key);
	if (!is_being_made(t) && find(t)) {
		collect_once(pool);
		return start_from(t, vm, err) || start_again(vm, err);
	}
	wait_for(t, vm);
	return true;
}

/* ---- created, or failed ---- */

static void made_over(struct vm_template *t)
{
	loop_drop(&t->soon);
	template_wait_free(take_ptr(&t->elsewhere));
	free(take_ptr(&t->unfinished));
	if (t->lock >= 0) {
		close(take_fd(&t->lock));
	}
	t->written = false;
}

static void is_there(struct vm_template *t)
{
	struct vm *vm;
	struct err err;
	made_over(t);
	while (!is_being_made(t) && (vm = take_waiting(t))) {
		if (!find(t)) {
			wait_for(t, vm); /* it was deleted immediately: repeat */
		} else if (!start_from(t, vm, &err)) {
			vm_failed(vm, &err);
		}
	}
}

static void give_up(struct vm_template *t)
{
	if (t->unfinished) {
		state_remove(t->pool->state, STATE_TEMPLATES, t->key);
	}
	made_over(t);
}

static void failed(struct vm_template *t, const struct err *why)
{
	struct err copy = *why;
	struct vm *vm;
	give_up(t);
	err_while(&copy, "cannot prepare the desktop");
	while ((vm = take_waiting(t))) {
		vm_end(vm, &copy);
	}
}

/* Waiting sandboxes boot; stages: those reported for the template's creation. */
static void start_without(struct vm_template *t, unsigned stages)
{
	struct vm *vm;
	struct err err;
	while (!is_being_made(t) && (vm = take_waiting(t))) {
		vm->core->stages_before = stages;
		if (!vm_machine_start(vm, ORIGIN_BOOT, NULL, &err)) {
			vm_failed(vm, &err);
		}
	}
}

/* The desktop works, but cannot be saved. */
static void cannot_keep(struct vm_template *t, const struct err *why, unsigned stages)
{
	struct err copy = *why;
	if (t->pool->freeing) {
		failed(t, &copy);
		return;
	}
	log_warning(
		"cannot save template in %s: %s. New sandboxes will cold-boot; next retry in %d "
		"min (needs up to the VM's memory size on disk)",
		state_dir(t->pool->state), copy.text, WITHOUT_MINUTES);
	t->without_us = loop_now_us() + WITHOUT_MINUTES * 60000000ULL;
	give_up(t);
	start_without(t, stages);
}

/* ---- creation ---- */

static void tell_step(struct vm_template *t, const char *what, unsigned step)
{
	struct lifecycle *l, *next;
	char text[200];
	snprintf(text, sizeof(text),
		"creating a template (%s): this takes longer, once; later sandboxes start in a "
		"second",
		what);
	for (l = TAILQ_FIRST(&t->waiting); l; l = next) {
		next = TAILQ_NEXT(l, template_entry);
		vm_tell_stage(&l->core, text, step, VM_TEMPLATE_STEPS + VM_STAGES);
	}
}

static void on_stage(const char *stage, unsigned step, unsigned of, void *data)
{
	(void)of;
	tell_step(data, stage, 1 + step);
}

static void end_maker(struct vm_template *t, const char *why)
{
	struct vm *maker = take_ptr(&t->maker);
	if (maker) {
		vm_stop(maker, why);
	}
}

/* In a thread. */
static void write_out(void *data)
{
	struct vm_template *t = data;
	t->written = state_commit(t->pool->state, STATE_TEMPLATES, t->key, &t->why);
}

static void on_written(void *data)
{
	struct vm_template *t = data;
	if (t->written) {
		log_info("template=%s made", t->key);
		free(take_ptr(&t->unfinished));
		is_there(t);
	} else {
		cannot_keep(t, &t->why, VM_TEMPLATE_STEPS);
	}
}

static void on_saved(struct vm_job *job, const struct err *err)
{
	struct vm_template *t = template_of_job(job);
	struct vm_pool *pool = t->pool;
	struct err why;
	if (err) {
		why = *err;
	}
	vm_job_over(job);
	end_maker(t, err ? "cannot save it as a template" : "it was saved as a template");
	if (err || !template_describe(t->unfinished, t->key, &why)) {
		cannot_keep(t, &why, VM_TEMPLATE_STEPS);
	} else {
		work_run(pool->event, write_out, on_written, t);
	}
}

static void on_maker_ended(struct vm_job *job, const struct err *why)
{
	struct vm_template *t = template_of_job(job);
	(void)why; /* the same reason, and an unknown sandbox */
	t->maker = NULL;
	cannot_keep(t, &job->vm->core->why, VM_TEMPLATE_STEPS);
}

/* If it cannot be prepared (another or an old agent), it is saved unprepared. */
static void on_prepared(const json_t *result, const struct err *err, void *data)
{
	struct vm_template *t = data;
	(void)result;
	if (err && err->kind == ERR_GONE) {
		const struct vm *maker = take_ptr(&t->maker);
		failed(t, &maker->core->why);
	} else if (err && err->kind != ERR_UNSUPPORTED) {
		end_maker(t, "it could not be prepared");
		failed(t, err);
	} else {
		t->job = (struct vm_job){ .saved = on_saved, .ended = on_maker_ended };
		vm_job_begin(&t->job, t->maker, "template");
		vm_job_save(&t->job, t->unfinished, true);
	}
}

static void on_maker(struct vm *maker, const struct err *err, void *data)
{
	struct vm_template *t = data;
	if (err) {
		t->maker = NULL;
		failed(t, &maker->core->why);
		return;
	}
	tell_step(t, "opening programs", VM_TEMPLATE_STEPS);
	guest_prepare(vm_guest(maker), WINDOW_MS, REST_MS, WARM_REST_MS, on_prepared, t);
}

static void boot(struct vm_template *t)
{
	static const struct vm_wait_handlers handlers = { .stage = on_stage, .done = on_maker };
	const struct vm *first = TAILQ_FIRST(&t->waiting)->core.vm;
	struct vm_spec spec;
	struct err err;
	vm_spec_copy(first->spec, &spec);
	json_decref((json_t *)spec.labels);
	spec.labels = NULL;
	spec.timeout_ms = spec.idle_ms = -1;
	t->maker = vm_new(t->pool, first->backend, "", &spec);
	t->maker->core->hidden = true;
	log_info("template=%s is being created by sandbox=%s", t->key, t->maker->id);
	vm_wait(t->maker, &handlers, t);
	tell_step(t, "kernel", 1);
	if (!vm_begin_from(t->maker, NULL, &err)) {
		vm_failed(t->maker, &err);
	}
}

static void on_elsewhere(const struct err *err, void *data)
{
	struct vm_template *t = data;
	template_wait_free(take_ptr(&t->elsewhere));
	if (err) {
		failed(t, err);
	} else {
		make_soon(t);
	}
}

static int on_make(sd_event_source *source, void *data)
{
	struct vm_template *t = data;
	struct err err;
	(void)source;
	loop_drop(&t->soon);
	if (TAILQ_EMPTY(&t->waiting)) {
		return 0;
	}
	if (find(t)) {
		is_there(t);
		return 0;
	}
	if (loop_now_us() < t->without_us) {
		start_without(t, 0);
		return 0;
	}
	let_go_of_unused(t->pool);
	template_collect(t->pool, TAILQ_FIRST(&t->waiting)->core.spec.limits.memory_mib);
	lifecycle_pool(t->pool)->collected = true;
	t->lock = state_begin(t->pool->state, STATE_TEMPLATES, t->key, &t->unfinished, &err);
	if (t->lock >= 0) {
		boot(t);
	} else if (err.kind == ERR_STATE) {
		log_info("template=%s is being created by another process", t->key);
		t->elsewhere = template_wait_new(t->pool, t->key, on_elsewhere, t);
		tell_step(t, "by another server", 1);
	} else {
		cannot_keep(t, &err, 0);
	}
	return 0;
}

static void make_soon(struct vm_template *t)
{
	t->soon = loop_defer(t->pool->event, on_make, t);
}

static void forget(struct vm *vm)
{
	free(lifecycle_of(vm->core)->template_key);
}

static void templates_free(struct vm_pool *pool)
{
	struct vm_template *t;
	while ((t = TAILQ_FIRST(&lifecycle_pool(pool)->templates))) {
		made_over(t);
		template_free(t);
	}
}

const struct vm_part vm_template_part = {
	.failed = start_again,
	.ending = wait_no_more,
	.forgotten = forget,
	.freed = templates_free,
};

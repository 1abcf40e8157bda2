/*
 * The creation of a template: an internal sandbox boots and is saved when its desktop is ready.
 * Sandboxes that need it meanwhile wait, receive the stages, and then start from it, or, if it cannot
 * be saved, boot.  If another process creates it, template_wait.c reports the end.
 */

#include "vm/lifecycle/template.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/guest/guest.h"

#include <stdio.h>

#define WINDOW_MS (20 * 60000) /* for a program that must be open; a browser takes minutes */
#define REST_MS 60000          /* until the desktop is idle */
#define WARM_REST_MS 300000    /* the same with open programs */
#define WITHOUT_MINUTES 10     /* until the next attempt after a failed save */

static void make_soon(struct vm_template *t);

static struct vm_template *template_of_job(struct vm_job *job)
{
	return (struct vm_template *)(void *)((char *)job - offsetof(struct vm_template, job));
}

/* ---- created, or failed ---- */

void template_made_over(struct vm_template *t)
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
	template_made_over(t);
	while (!template_is_being_made(t) && (vm = template_take_waiting(t))) {
		if (!template_find(t)) {
			template_wait_for(t, vm); /* it was deleted immediately: repeat */
		} else if (!template_start_from(t, vm, &err)) {
			vm_failed(vm, &err);
		}
	}
}

static void give_up(struct vm_template *t)
{
	if (t->unfinished) {
		state_remove(t->pool->state, STATE_TEMPLATES, t->key);
	}
	template_made_over(t);
}

static void failed(struct vm_template *t, const struct err *why)
{
	struct err copy = *why;
	struct vm *vm;
	give_up(t);
	err_while(&copy, "cannot prepare the desktop");
	while ((vm = template_take_waiting(t))) {
		vm_end(vm, &copy);
	}
}

/* Waiting sandboxes boot; stages: those reported for the template's creation. */
static void start_without(struct vm_template *t, unsigned stages)
{
	struct vm *vm;
	struct err err;
	while (!template_is_being_made(t) && (vm = template_take_waiting(t))) {
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

static void notify_step(struct vm_template *t, const char *what, unsigned step)
{
	struct lifecycle *l, *next;
	char text[200];
	snprintf(text, sizeof(text),
		"creating a template (%s): this takes longer, once; later sandboxes start in a "
		"second",
		what);
	for (l = TAILQ_FIRST(&t->waiting); l; l = next) {
		next = TAILQ_NEXT(l, template_entry);
		vm_notify_stage(&l->core, text, step, VM_TEMPLATE_STEPS + VM_STAGES);
	}
}

static void on_stage(const char *stage, unsigned step, unsigned of, void *data)
{
	(void)of;
	notify_step(data, stage, 1 + step);
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
	notify_step(t, "opening programs", VM_TEMPLATE_STEPS);
	guest_prepare(vm_guest(maker), WINDOW_MS, REST_MS, WARM_REST_MS, on_prepared, t);
}

static void boot(struct vm_template *t)
{
	static const struct vm_wait_handlers handlers = { .stage = on_stage, .done = on_maker };
	const struct vm *first = TAILQ_FIRST(&t->waiting)->core.vm;
	struct vm_spec spec;
	struct err err;
	vm_spec_copy(first->spec, &spec);
	vm_spec_describe(&spec, NULL);
	spec.timeout_ms = spec.idle_ms = -1;
	t->maker = vm_new(t->pool, first->backend, "", &spec);
	t->maker->core->internal = true;
	log_info("template=%s is being created by sandbox=%s", t->key, t->maker->id);
	vm_wait(t->maker, &handlers, t);
	notify_step(t, "kernel", 1);
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
	if (template_find(t)) {
		is_there(t);
		return 0;
	}
	if (loop_now_us() < t->without_us) {
		start_without(t, 0);
		return 0;
	}
	template_let_go_of_unused(t->pool);
	template_collect(t->pool, TAILQ_FIRST(&t->waiting)->core.spec.limits.memory_mib);
	lifecycle_pool(t->pool)->collected = true;
	t->lock = state_begin(t->pool->state, STATE_TEMPLATES, t->key, &t->unfinished, &err);
	if (t->lock >= 0) {
		boot(t);
	} else if (err.kind == ERR_STATE) {
		log_info("template=%s is being created by another process", t->key);
		t->elsewhere = template_wait_new(t->pool, t->key, on_elsewhere, t);
		notify_step(t, "by another server", 1);
	} else {
		cannot_keep(t, &err, 0);
	}
	return 0;
}

static void make_soon(struct vm_template *t)
{
	t->soon = loop_defer(t->pool->event, on_make, t);
}

void template_wait_for(struct vm_template *t, struct vm *vm)
{
	template_enter(t, vm);
	if (!template_is_being_made(t)) {
		make_soon(t);
	}
}

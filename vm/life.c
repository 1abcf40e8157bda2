/*
 * One sandbox's life: starting (link, hello, stages), ready, stopping, gone.  An end is told in two
 * steps: vm_end() kills at once, and the burial, run from the loop, tells everyone who waits; so no
 * callback ever comes from inside a call, and a link is never freed under its own feet.
 */

#include "vm/vm.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTES_MAX 2000    /* bytes: a desktop that keeps dying must not fill the next answer */
#define LOST_GRACE_MS 300 /* between a broken link and the news of the process behind it */

struct vm_wait {
	TAILQ_ENTRY(vm_wait) entry;
	struct vm *vm;
	struct vm_wait_handlers handlers;
	void *data;
	unsigned told;             /* the last stage it heard of */
	sd_event_source *deferred; /* it was over when it began */
};

static void tell_started(struct vm *vm, const struct err *why)
{
	struct vm_pool *pool = vm->pool;
	if (pool->on_started && !pool->freeing) {
		pool->on_started(
			vm, loop_now_us() - vm->core->start_us, why, pool->on_started_data);
	}
}

/* ---- the end ---- */

void vm_end_error(const struct vm *vm, struct err *ret_err)
{
	const struct vm_core *core = vm->core;
	if (core->was_ready) {
		err_set(ret_err, ERR_GONE, "sandbox %s has ended: %s", vm->id, core->why.text);
	} else {
		err_set(ret_err, core->why.kind, "sandbox %s could not start: %s", vm->id,
			core->why.text);
	}
}

static void wait_done(struct vm_wait *wait, const struct err *err)
{
	TAILQ_REMOVE(&wait->vm->core->waits, wait, entry);
	loop_drop(&wait->deferred);
	wait->handlers.done(wait->vm, err, wait->data);
	free(wait);
}

/* A callback may cancel other waits or begin new ones, so look from the start each time; new ones
 * are deferred. */
static void waits_done(struct vm_core *core, const struct err *err, bool all)
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

static void release_when_over(struct vm_core *core)
{
	if (core->state != VM_STOPPING || !core->buried || !core->ended) {
		return;
	}
	core->vm->backend->release(core->vm);
	core->state = VM_GONE;
	log_debug("sandbox=%s gone", core->vm->id);
}

static void bury(struct vm_core *core, bool all)
{
	struct err why;
	loop_drop(&core->burial);
	if (!core->buried) {
		/* The link fails its open requests here; guest.c keeps them until the end's own
		 * reason is told. */
		link_free(take_ptr(&core->link));
	}
	vm_end_error(core->vm, &why);
	if (!core->buried) {
		vm_tell_news(core->vm, "The sandbox ended: %s", core->why.text);
	}
	guest_fail_calls(core->vm, all);
	waits_done(core, &why, all);
	core->buried = true;
}

static int on_burial(sd_event_source *source, void *data)
{
	struct vm_core *core = data;
	(void)source;
	bury(core, false);
	release_when_over(core);
	return 0;
}

void vm_bury_now(struct vm_core *core)
{
	bury(core, true);
	core->ended = true; /* release waits for what is still ending */
	release_when_over(core);
}

void vm_end(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->state >= VM_STOPPING) {
		return;
	}
	core->was_ready = core->state == VM_READY;
	core->state = VM_STOPPING;
	core->why = *why;
	loop_drop(&core->start_timer);
	loop_drop(&core->lost_timer);
	loop_drop(&core->screen_timer);
	loop_drop(&core->guard);
	log_info("sandbox=%s ends: %s", vm->id, why->text);
	if (!core->was_ready) {
		tell_started(vm, why);
	}
	if (vm->backend->stop(vm)) {
		core->ended = true;
	}
	core->burial = loop_defer(vm->pool->event, on_burial, core);
}

void vm_has_died(struct vm *vm, const struct err *why)
{
	vm->core->ended = true;
	vm_end(vm, why);
	release_when_over(vm->core);
}

void vm_stop(struct vm *vm, const char *why)
{
	struct err err;
	err_set(&err, ERR_GONE, "%s", why);
	vm_end(vm, &err);
}

void vm_agent_broke(struct vm *vm, struct err *err)
{
	err->kind = ERR_GONE;
	err_while(err, "the sandbox's agent sent a bad message, so the sandbox was ended");
	log_warning("sandbox=%s %s", vm->id, err->text);
	vm_end(vm, err);
}

static int on_lost_long_ago(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	struct err why = core->why;
	(void)source;
	(void)usec;
	vm_end(core->vm, &why);
	return 0;
}

void vm_lost_link(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->state >= VM_STOPPING || core->lost_timer) {
		return;
	}
	err_set(&core->why, ERR_GONE, "the connection to its agent was lost (%s)", why->text);
	core->lost_timer = loop_after_ms(vm->pool->event, LOST_GRACE_MS, on_lost_long_ago, core);
}

/* ---- notes ---- */

void vm_tell_news(struct vm *vm, const char *fmt, ...)
{
	struct vm_pool *pool = vm->pool;
	if (!pool->on_news || pool->freeing) {
		return;
	}
	char text[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pool->on_news(vm, text, pool->on_news_data);
}

void vm_add_note(struct vm *vm, const char *fmt, ...)
{
	struct buf *notes = &vm->core->notes;
	char text[800];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (notes->len + strlen(text) < NOTES_MAX) {
		buf_printf(notes, "%s%s", notes->len ? " " : "", text);
	}
}

char *vm_take_note(struct vm *vm)
{
	struct buf *notes = &vm->core->notes;
	if (!notes->len) {
		return NULL;
	}
	char *text = must(strdup(buf_text(notes)));
	buf_done(notes);
	return text;
}

/* ---- getting ready ---- */

/* A callback may cancel waits, so look from the start each time. */
void vm_tell_stage(struct vm_core *core, const char *stage, unsigned step, unsigned of)
{
	struct vm_wait *wait;
	do {
		TAILQ_FOREACH(wait, &core->waits, entry)
		{
			if (wait->told < step) {
				wait->told = step;
				if (wait->handlers.stage) {
					wait->handlers.stage(stage, step, of, wait->data);
				}
				break;
			}
		}
	} while (wait);
}

void vm_is_ready(struct vm *vm)
{
	vm->core->state = VM_READY;
	loop_drop(&vm->core->start_timer);
	tell_started(vm, NULL);
	vm_watch_again(vm);
	waits_done(vm->core, NULL, false);
}

/* ---- the link ---- */

static void on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	vm_lost_link(data, why);
}

static const struct link_handlers link_handlers = { .event = vm_on_agent_event,
	.closed = on_closed };

void vm_has_link(struct vm *vm, int fd)
{
	struct vm_core *core = vm->core;
	if (core->state != VM_STARTING || core->link) {
		close(fd);
		return;
	}
	core->link = link_new(vm->pool->event, fd, &link_handlers, vm);
}

/* ---- waiting ---- */

static int on_start_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm *vm = data;
	struct err why;
	(void)source;
	(void)usec;
	const char *stage = vm->core->last_stage;
	err_set(&why, ERR_TIMEOUT, "it was not ready after %lld ms (the last stage it reached: %s)",
		(long long)vm->pool->config.start_timeout_ms, stage ? stage : "none");
	vm_end(vm, &why);
	return 0;
}

void vm_start_clock(struct vm *vm)
{
	vm->core->start_us = loop_now_us();
	vm->core->start_timer = loop_after_ms(
		vm->pool->event, (uint64_t)vm->pool->config.start_timeout_ms, on_start_timeout, vm);
}

static int on_wait_over(sd_event_source *source, void *data)
{
	struct vm_wait *wait = data;
	struct err why;
	(void)source;
	if (wait->vm->core->state == VM_READY) {
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
	if (vm->core->state == VM_READY || vm->core->buried) {
		wait->deferred = loop_defer(vm->pool->event, on_wait_over, wait);
	}
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

/*
 * One sandbox's life: starting (link, hello, stages), ready, stopping, gone.  An end is told in two
 * steps: vm_end() kills at once, and the burial, run from the loop, tells everyone who waits; so no
 * callback ever comes from inside a call, and a link is never freed under its own feet.
 */

#include "vm/vm.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core.h"
#include "vm/wire/protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTES_MAX 2000    /* bytes: a desktop that keeps dying must not fill the next answer */
#define LOST_GRACE_MS 300 /* between a broken link and the news of the process behind it */
#define SCREEN_INTERVAL_US 200000
#define SCREEN_EDGE_MAX 16384

struct vm_wait {
	TAILQ_ENTRY(vm_wait) entry;
	struct vm *vm;
	struct vm_wait_handlers handlers;
	void *data;
	unsigned told;             /* the last stage it heard of */
	sd_event_source *deferred; /* it was over when it began */
};

static const char *const stages[] = {
	"x-server",
	"session-bus",
	"window-manager",
	"panel",
	"first-frame",
	NULL,
};
#define N_STAGES (sizeof(stages) / sizeof(stages[0]) - 1)

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

/* ---- what the agent says by itself ---- */

struct hello {
	int64_t protocol;
	const char *version;
};
static const struct field hello_fields[] = {
	FIELD_NUM(struct hello, protocol, "the link's protocol", .required = true, .max = 1000000),
	FIELD_STR(struct hello, version, "the agent's version", .required = true, .max = 60),
	{ 0 },
};

static bool on_hello(struct vm *vm, const void *args, struct err *err)
{
	const struct hello *hello = args;
	(void)err;
	vm->core->said_hello = true;
	if (hello->protocol != PROTOCOL_VERSION) {
		struct err why;
		err_set(&why, ERR_UNSUPPORTED,
			"its vitrine-agent (version %s) speaks protocol %lld and this server "
			"protocol %d; install both from the same build",
			hello->version, (long long)hello->protocol, PROTOCOL_VERSION);
		vm_end(vm, &why);
	}
	return true;
}

struct stage {
	int stage;
	int64_t ms;
};
static const struct field stage_fields[] = {
	FIELD_ONE_OF(struct stage, stage, "what came up", stages, .required = true),
	FIELD_NUM(struct stage, ms, "since the agent's start", .required = true, .max = 1e9),
	{ 0 },
};

static bool on_stage(struct vm *vm, const void *args, struct err *err)
{
	const struct stage *stage = args;
	struct vm_core *core = vm->core;
	unsigned step = (unsigned)stage->stage + 1;
	(void)err;
	log_debug(
		"sandbox=%s stage=%s ms=%lld", vm->id, stages[stage->stage], (long long)stage->ms);
	if (core->state != VM_STARTING || step <= core->step) {
		return true; /* something came up again */
	}
	core->step = step;
	struct vm_wait *wait;
	do {
		TAILQ_FOREACH(wait, &core->waits, entry)
		{
			if (wait->told < step) {
				wait->told = step;
				if (wait->handlers.stage) {
					wait->handlers.stage(
						stages[step - 1], step, N_STAGES, wait->data);
				}
				break;
			}
		}
	} while (wait);
	return true;
}

struct ready {
	struct field_ints screen, frame;
	int64_t ms;
};
static const struct field ready_fields[] = {
	FIELD_LIST(struct ready, screen, "[w,h]", 2, .required = true),
	FIELD_LIST(struct ready, frame, "[w,h]", 2, .required = true),
	FIELD_NUM(struct ready, ms, "since the agent's start", .required = true, .max = 1e9),
	{ 0 },
};

static void watch_send(struct vm *vm);

static bool on_ready(struct vm *vm, const void *args, struct err *err)
{
	const struct ready *ready = args;
	struct vm_core *core = vm->core;
	const int64_t *screen = ready->screen.at, *frame = ready->frame.at;
	if (core->state == VM_READY) {
		return err_set(err, ERR_ARGUMENT, "'ready' for the second time");
	}
	if (screen[0] < 1 || screen[0] > SCREEN_EDGE_MAX || screen[1] < 1 ||
		screen[1] > SCREEN_EDGE_MAX) {
		return err_set(err, ERR_ARGUMENT, "a screen of %lldx%lld", (long long)screen[0],
			(long long)screen[1]);
	}
	struct size size = { (int)screen[0], (int)screen[1] }, fit = geometry_fit(size);
	if (frame[0] != fit.width || frame[1] != fit.height) {
		return err_set(err, ERR_ARGUMENT, "a frame of %lldx%lld for a screen of %dx%d",
			(long long)frame[0], (long long)frame[1], size.width, size.height);
	}
	core->screen = size;
	core->frame = fit;
	core->state = VM_READY;
	loop_drop(&core->start_timer);
	log_info("sandbox=%s ready ms=%llu agent_ms=%lld", vm->id,
		(unsigned long long)((loop_now_us() - core->start_us) / 1000),
		(long long)ready->ms);
	if (core->watches) {
		watch_send(vm);
	}
	waits_done(core, NULL, false);
	return true;
}

struct failed {
	const char *text;
};
static const struct field failed_fields[] = {
	FIELD_STR(struct failed, text, "why", .required = true, .max = 4000),
	{ 0 },
};

static bool on_failed(struct vm *vm, const void *args, struct err *err)
{
	const struct failed *failed = args;
	struct err why;
	(void)err;
	err_set(&why, ERR_HOST, "%s", failed->text);
	vm_end(vm, &why);
	return true;
}

static const char *const restartable[] = {
	"X server",
	"window manager",
	"panel",
	"session bus",
	NULL,
};
struct restarted {
	int what;
	const char *why;
};
static const struct field restarted_fields[] = {
	FIELD_ONE_OF(
		struct restarted, what, "what died and is back", restartable, .required = true),
	FIELD_STR(struct restarted, why, "why it died", .max = 1000),
	{ 0 },
};

static bool on_restarted(struct vm *vm, const void *args, struct err *err)
{
	const struct restarted *r = args;
	(void)err;
	log_warning("sandbox=%s restarted=\"%s\" why=\"%s\"", vm->id, restartable[r->what],
		r->why ? r->why : "");
	vm_add_note(vm, "The %s died and was restarted.", restartable[r->what]);
	vm_tell_news(vm, "The %s died and was restarted: %s", restartable[r->what],
		r->why ? r->why : "no reason is known");
	return true;
}

struct screen {
	int64_t frame_id;
};
static const struct field screen_fields[] = {
	FIELD_NUM(struct screen, frame_id, "counts screen changes", .required = true, .max = 1e15),
	{ 0 },
};

static int on_screen_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	struct vm_pool *pool = core->vm->pool;
	(void)source;
	(void)usec;
	loop_drop(&core->screen_timer);
	core->screen_us = loop_now_us();
	if (pool->on_screen && core->watches && core->state == VM_READY) {
		pool->on_screen(core->vm, pool->on_screen_data);
	}
	return 0;
}

/* The agent promises at most 5 a second; the bound is kept here all the same, and the last change
 * is never lost. */
static bool on_screen(struct vm *vm, const void *args, struct err *err)
{
	struct vm_core *core = vm->core;
	(void)args;
	(void)err;
	if (core->screen_timer) {
		return true;
	}
	uint64_t since = loop_now_us() - core->screen_us;
	uint64_t left = since < SCREEN_INTERVAL_US ? SCREEN_INTERVAL_US - since : 0;
	core->screen_timer = loop_after_ms(vm->pool->event, left / 1000, on_screen_timer, core);
	return true;
}

struct agent_event {
	const char *name;
	const struct field *fields;
	bool (*run)(struct vm *vm, const void *args, struct err *err);
};
static const struct agent_event agent_events[] = {
	{ "hello", hello_fields, on_hello },
	{ "stage", stage_fields, on_stage },
	{ "ready", ready_fields, on_ready },
	{ "failed", failed_fields, on_failed },
	{ "restarted", restarted_fields, on_restarted },
	{ "screen", screen_fields, on_screen },
};

union event_args {
	struct hello hello;
	struct stage stage;
	struct ready ready;
	struct failed failed;
	struct restarted restarted;
	struct screen screen;
};

static bool event_run(struct vm *vm, const char *name, const json_t *fields, struct err *err)
{
	union event_args args;
	for (size_t i = 0; i < sizeof(agent_events) / sizeof(agent_events[0]); i++) {
		const struct agent_event *event = &agent_events[i];
		if (strcmp(event->name, name) != 0) {
			continue;
		}
		if (!vm->core->said_hello && event->run != on_hello) {
			return err_set(err, ERR_ARGUMENT, "'%s' before 'hello'", name);
		}
		memset(&args, 0, sizeof(args));
		if (!field_decode(event->fields, fields, &args, err)) {
			return err_while(err, "event '%s'", name);
		}
		return event->run(vm, &args, err);
	}
	return err_set(err, ERR_ARGUMENT, "an unknown event '%.40s'", name);
}

static void on_event(struct link *link, const struct link_msg *msg, void *data)
{
	struct vm *vm = data;
	struct err err;
	(void)link;
	if (vm->core->state >= VM_STOPPING) {
		return;
	}
	const char *name = json_string_value(json_object_get(msg->json, "event"));
	json_auto_t *fields = json_copy((json_t *)msg->json);
	json_object_del(fields, "event");
	if (!event_run(vm, name ? name : "", fields, &err)) {
		vm_agent_broke(vm, &err);
	}
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	vm_lost_link(data, why);
}

static const struct link_handlers link_handlers = { .event = on_event, .closed = on_closed };

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
	unsigned step = vm->core->step;
	err_set(&why, ERR_TIMEOUT, "it was not ready after %lld ms (the last stage it reached: %s)",
		(long long)vm->pool->config.start_timeout_ms, step ? stages[step - 1] : "none");
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

/* ---- screen changes ---- */

static void on_watch_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	const struct vm *vm = data;
	(void)msg;
	if (err && err->kind != ERR_GONE) {
		log_warning("sandbox=%s watch: %s", vm->id, err->text);
	}
}

static void watch_send(struct vm *vm)
{
	if (vm->core->state == VM_READY && vm->core->link) {
		link_request(vm->core->link, "watch",
			json_pack("{s:b}", "on", vm->core->watches > 0), on_watch_reply, vm);
	}
}

void vm_watch(struct vm *vm, bool on)
{
	struct vm_core *core = vm->core;
	unsigned before = core->watches;
	if (on || before) {
		core->watches += on ? 1 : -1u;
	}
	if (!before != !core->watches) {
		watch_send(vm);
	}
}

#ifndef TESTS_FAKE_CALL_H
#define TESTS_FAKE_CALL_H

/*
 * A struct call that catches its answer, and a loop to wait for it: the tools as the server runs
 * them, without the server.  Each test program that runs tools includes this once.
 */

#include "base/cleanup.h"
#include "base/loop.h"
#include "tools/streams.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define CALL_ALLOCS 32

/* Where links lead; NULL: nobody can show them. */
static const char *call_base = "http://127.0.0.1:7";
static const char *call_vnc;

struct call {
	struct vm_pool *vms;
	sd_event *event;
	struct streams *streams;
	const char *owner;
	json_t *args, *content;
	struct err err; /* kind ERR_NONE: it was a reply */
	int answers, stages;
	char stage[100]; /* the last one told */
	void (*on_cancel)(void *data);
	void *cancel_data;
	void (*on_end)(void *data);
	void *end_data;
	struct vm *used;
	bool can_ask; /* elicitation */
	bool rounds;  /* and the question ends the call */
	json_t *question;
	call_answered_fn *answered;
	void *answered_data;
	void *allocs[CALL_ALLOCS];
	size_t n_allocs;
};

static inline void call_over(struct call *call)
{
	call->answers++;
	call->on_cancel = NULL;
	if (call->on_end) {
		void (*fn)(void *data) = take_ptr(&call->on_end);
		fn(call->end_data);
	}
	if (call->used) {
		vm_unuse(take_ptr(&call->used));
	}
}

void call_reply(struct call *call, json_t *content)
{
	cr_assert(json_is_array(content));
	call->content = content;
	call_over(call);
}

void call_fail_with(struct call *call, const struct err *why, json_t *content)
{
	cr_assert_neq(why->kind, ERR_NONE);
	call->content = content;
	call->err = *why;
	call_over(call);
}

void call_fail(struct call *call, const struct err *why)
{
	call_fail_with(call, why, NULL);
}

struct vm_pool *call_vms(struct call *call)
{
	return call->vms;
}

const char *call_owner(struct call *call)
{
	return call->owner;
}

sd_event *call_event(struct call *call)
{
	return call->event;
}

struct streams *call_streams(struct call *call)
{
	return call->streams;
}

bool call_stream_base(struct call *call, char **ret_url, struct err *err)
{
	(void)call;
	if (!call_base) {
		return err_set(err, ERR_UNSUPPORTED, "nobody can open links here");
	}
	*ret_url = must(strdup(call_base));
	return true;
}

const char *call_stream_vnc(struct call *call)
{
	(void)call;
	return call_vnc;
}

void call_on_end(struct call *call, void (*fn)(void *data), void *data)
{
	call->on_end = fn;
	call->end_data = data;
}

bool call_can_ask(const struct call *call, const struct call_question *question)
{
	(void)question;
	return call->can_ask;
}

void call_ask(struct call *call, const struct call_question *questions, size_t n,
	call_answered_fn *fn, void *data)
{
	cr_assert_eq(n, 1);
	call->question = questions->params;
	call->answered = fn;
	call->answered_data = data;
	if (call->rounds) {
		call_over(call);
	}
}

void call_progress(struct call *call, double step, double total, const char *message)
{
	cr_assert_leq(step, total);
	call->stages++;
	snprintf(call->stage, sizeof(call->stage), "%s", message);
}

void call_use(struct call *call, struct vm *vm)
{
	cr_assert_null(call->used);
	call->used = vm;
	vm_use(vm);
}

void call_describe(struct call *call, const char *(*describe)(void *data), void *data)
{
	(void)call;
	cr_assert_neq(*describe(data), '\0');
}

void call_on_cancel(struct call *call, void (*fn)(void *data), void *data)
{
	call->on_cancel = fn;
	call->cancel_data = data;
}

bool call_is_cancelled(const struct call *call)
{
	(void)call;
	return false;
}

void *call_alloc(struct call *call, size_t size)
{
	cr_assert_lt(call->n_allocs, (size_t)CALL_ALLOCS);
	return call->allocs[call->n_allocs++] = must(calloc(1, size ? size : 1));
}

/* ---- a server around it ---- */

struct desk {
	sd_event *event;
	struct vm_pool *vms;
	struct streams *streams;
	struct tool_set *tools;
	bool can_ask, rounds; /* the clients of calls that begin from now on */
};

static inline struct desk desk_open(void)
{
	struct err err = { 0 };
	static const struct vm_config config = { .backend = "fake", .max_sandboxes = 3 };
	struct desk desk = { .event = loop_new(&err) };
	cr_assert_not_null(desk.event, "%s", err.text);
	desk.vms = vm_pool_new(desk.event, &config);
	desk.streams = streams_new(desk.event, desk.vms);
	desk.tools = tool_set_new("all", &err);
	cr_assert_not_null(desk.tools, "%s", err.text);
	return desk;
}

static inline void desk_close(struct desk *desk)
{
	streams_free(desk->streams);
	vm_pool_free(desk->vms);
	tool_set_free(desk->tools);
	sd_event_unref(desk->event);
}

static inline struct call *call_begin(struct desk *desk, const char *name, const char *args)
{
	json_error_t e;
	struct call *call = must(calloc(1, sizeof(*call)));
	const struct tool *tool = tool_find(desk->tools, name);
	cr_assert_not_null(tool, "no tool %s", name);
	call->vms = desk->vms;
	call->event = desk->event;
	call->streams = desk->streams;
	call->can_ask = desk->can_ask;
	call->rounds = desk->rounds;
	call->owner = "test";
	call->args = json_loads(args, 0, &e);
	cr_assert_not_null(call->args, "%s: %s", args, e.text);
	tool_run(tool, call, call->args);
	return call;
}

static inline void call_await(struct desk *desk, struct call *call)
{
	while (!call->answers) {
		cr_assert_geq(sd_event_run(desk->event, UINT64_MAX), 0);
	}
	cr_assert_eq(call->answers, 1);
}

static inline void call_cancel(struct call *call)
{
	void (*fn)(void *data) = call->on_cancel;
	cr_assert_not_null(fn, "nothing listens for the cancel");
	call->on_cancel = NULL;
	fn(call->cancel_data);
}

static inline struct call *call_tool(struct desk *desk, const char *name, const char *args)
{
	struct call *call = call_begin(desk, name, args);
	call_await(desk, call);
	return call;
}

static inline void call_end(struct call *call)
{
	for (size_t i = 0; i < call->n_allocs; i++) {
		free(call->allocs[i]);
	}
	json_decref(call->args);
	json_decref(call->content);
	json_decref(call->question);
	free(call);
}

/* The member of the i-th block that is of the type, or NULL. */
static inline const char *call_block(
	const struct call *call, size_t i, const char *type, const char *member)
{
	const json_t *block = json_array_get(call->content, i);
	const char *is = json_string_value(json_object_get(block, "type"));
	return is && strcmp(is, type) == 0 ? json_string_value(json_object_get(block, member))
					   : NULL;
}

#endif

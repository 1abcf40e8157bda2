#include "tests/support/fake_call.h"

const char *call_base = "http://127.0.0.1:7";

const char *call_vnc;

static struct fake_call *fake_of(struct call *call)
{
	return (struct fake_call *)call;
}

static void fake_answer(struct call *base, json_t *content, const struct err *why)
{
	struct fake_call *call = fake_of(base);
	cr_assert(why ? why->kind != ERR_NONE : json_is_array(content));
	call->content = content;
	if (why) {
		call->err = *why;
	}
	call->answers++;
	call_is_over(base);
}

static bool fake_stream_base(struct call *call, char **ret_url, struct err *err)
{
	(void)call;
	if (!call_base) {
		return err_set(err, ERR_UNSUPPORTED, "nobody can open links here");
	}
	*ret_url = must(strdup(call_base));
	return true;
}

static const char *fake_stream_vnc(struct call *call)
{
	(void)call;
	return call_vnc;
}

static bool fake_can_ask(const struct call *call, const struct call_question *question)
{
	(void)question;
	return ((const struct fake_call *)call)->can_ask;
}

static void fake_ask(struct call *base, const struct call_question *questions, size_t n)
{
	struct fake_call *call = fake_of(base);
	cr_assert_eq(n, 1);
	call->question = questions->params;
	if (call->rounds) {
		call->answers++;
		call_is_over(base);
	}
}

static void fake_progress(struct call *base, double step, double total, const char *message)
{
	struct fake_call *call = fake_of(base);
	cr_assert_leq(step, total);
	call->stages++;
	snprintf(call->stage, sizeof(call->stage), "%s", message);
}

static void fake_describe(struct call *call, const char *(*describe)(void *data), void *data)
{
	(void)call;
	cr_assert_neq(*describe(data), '\0');
}

/* What it answered is still to be looked at: fake_end(). */
static void fake_free(struct call *base)
{
	fake_of(base)->freed = true;
}

static const struct call_impl fake_call_impl = {
	.answer = fake_answer,
	.stream_base = fake_stream_base,
	.stream_vnc = fake_stream_vnc,
	.progress = fake_progress,
	.describe = fake_describe,
	.can_ask = fake_can_ask,
	.ask = fake_ask,
	.free = fake_free,
};

/* ---- a server around it ---- */

struct desk desk_open(void)
{
	struct err err = { 0 };
	static const struct vm_config config = { .backend = "fake", .max_sandboxes = 3 };
	struct desk desk = { .event = loop_new(&err) };
	cr_assert_not_null(desk.event, "%s", err.text);
	desk.vms = vm_pool_new(desk.event, &config, vm_backends);
	desk.streams = streams_new(desk.event, desk.vms);
	desk.tools = tool_set_new("all", &err);
	cr_assert_not_null(desk.tools, "%s", err.text);
	return desk;
}

void desk_close(struct desk *desk)
{
	streams_free(desk->streams);
	vm_pool_free(desk->vms);
	tool_set_free(desk->tools);
	sd_event_unref(desk->event);
}

struct fake_call *fake_begin_as(
	struct desk *desk, const char *owner, const char *name, const char *args)
{
	json_error_t e;
	struct fake_call *call = must(calloc(1, sizeof(*call)));
	const struct tool *tool = tool_find(desk->tools, name);
	cr_assert_not_null(tool, "no tool %s", name);
	call->call = (struct call){
		.impl = &fake_call_impl,
		.tool = tool,
		.vms = desk->vms,
		.owner = owner,
		.event = desk->event,
		.streams = desk->streams,
	};
	call->can_ask = desk->can_ask;
	call->rounds = desk->rounds;
	call->args = json_loads(args, 0, &e);
	cr_assert_not_null(call->args, "%s: %s", args, e.text);
	call_begin(&call->call);
	call_run(&call->call, call->args);
	return call;
}

struct fake_call *fake_begin(struct desk *desk, const char *name, const char *args)
{
	return fake_begin_as(desk, "test", name, args);
}

void fake_await(struct desk *desk, struct fake_call *call)
{
	while (!call->answers) {
		cr_assert_geq(sd_event_run(desk->event, UINT64_MAX), 0);
	}
	cr_assert_eq(call->answers, 1);
}

void fake_cancel(struct fake_call *call)
{
	cr_assert_not_null(call->call.on_cancel, "nothing listens for the cancel");
	call_cancel(&call->call);
}

struct fake_call *fake_run(struct desk *desk, const char *name, const char *args)
{
	struct fake_call *call = fake_begin(desk, name, args);
	fake_await(desk, call);
	return call;
}

void fake_end(struct fake_call *call)
{
	cr_assert(call->freed, "%s was not answered", call->call.tool->name);
	json_decref(call->args);
	json_decref(call->content);
	json_decref(call->question);
	free(call);
}

const char *fake_block(const struct fake_call *call, size_t i, const char *type, const char *member)
{
	const json_t *block = json_array_get(call->content, i);
	const char *is = json_string_value(json_object_get(block, "type"));
	return is && strcmp(is, type) == 0 ? json_string_value(json_object_get(block, member))
					   : NULL;
}

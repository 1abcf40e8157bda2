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

static bool fake_can_ask(const struct call *call, const struct call_client_request *client_request)
{
	(void)client_request;
	return ((const struct fake_call *)call)->client_supports;
}

static void fake_request_client(
	struct call *base, const struct call_client_request *client_requests, size_t n)
{
	struct fake_call *call = fake_of(base);
	cr_assert_eq(n, 1);
	call->client_request = client_requests->params;
	if (call->rounds) {
		call->answers++;
		call_is_over(base);
	}
}

static void fake_progress(struct call *base, double step, double total, const char *message)
{
	struct fake_call *call = fake_of(base);
	cr_assert(!total || step <= total);
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
	.client_supports = fake_can_ask,
	.request_client = fake_request_client,
	.free = fake_free,
};

/* ---- a server around it ---- */

struct tool_fixture tool_fixture_open(void)
{
	struct err err = { 0 };
	static const struct vm_config config = { .backend = "fake", .max_sandboxes = 3 };
	struct tool_fixture fixture = { .event = loop_new(&err) };
	cr_assert_not_null(fixture.event, "%s", err.text);
	fixture.vms = vm_pool_new(fixture.event, &config, vm_backends);
	fixture.streams = streams_new(fixture.event, fixture.vms);
	fixture.tools = tool_set_new("all", &err);
	cr_assert_not_null(fixture.tools, "%s", err.text);
	return fixture;
}

void tool_fixture_close(struct tool_fixture *fixture)
{
	streams_free(fixture->streams);
	vm_pool_free(fixture->vms);
	tool_set_free(fixture->tools);
	sd_event_unref(fixture->event);
}

struct fake_call *fake_begin_as(
	struct tool_fixture *fixture, const char *owner, const char *name, const char *args)
{
	json_error_t e;
	struct fake_call *call = must(calloc(1, sizeof(*call)));
	const struct tool *tool = tool_find(fixture->tools, name);
	cr_assert_not_null(tool, "no tool %s", name);
	call->call = (struct call){
		.impl = &fake_call_impl,
		.tool = tool,
		.vms = fixture->vms,
		.owner = owner,
		.event = fixture->event,
		.streams = fixture->streams,
	};
	call->client_supports = fixture->client_supports;
	call->rounds = fixture->rounds;
	call->args = json_loads(args, 0, &e);
	cr_assert_not_null(call->args, "%s: %s", args, e.text);
	call_begin(&call->call);
	call_run(&call->call, call->args);
	return call;
}

struct fake_call *fake_begin(struct tool_fixture *fixture, const char *name, const char *args)
{
	return fake_begin_as(fixture, "test", name, args);
}

void fake_await(struct tool_fixture *fixture, struct fake_call *call)
{
	while (!call->answers) {
		cr_assert_geq(sd_event_run(fixture->event, UINT64_MAX), 0);
	}
	cr_assert_eq(call->answers, 1);
}

void fake_cancel(struct fake_call *call)
{
	cr_assert_not_null(call->call.on_cancel, "nothing listens for the cancel");
	call_cancel(&call->call);
}

struct fake_call *fake_run(struct tool_fixture *fixture, const char *name, const char *args)
{
	struct fake_call *call = fake_begin(fixture, name, args);
	fake_await(fixture, call);
	return call;
}

void fake_end(struct fake_call *call)
{
	cr_assert(call->freed, "%s was not answered", call->call.tool->name);
	json_decref(call->args);
	json_decref(call->content);
	json_decref(call->client_request);
	free(call);
}

const char *fake_block(const struct fake_call *call, size_t i, const char *type, const char *member)
{
	const json_t *block = json_array_get(call->content, i);
	const char *is = json_string_value(json_object_get(block, "type"));
	return is && strcmp(is, type) == 0 ? json_string_value(json_object_get(block, member))
					   : NULL;
}

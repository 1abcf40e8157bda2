/* Conformance fixtures: tools that take their time, so that a client that knows tasks is given one. */
#include "tests/conformance/conformance.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/mcp/json_write.h"

#include <string.h>

#define LATER_MS 1000        /* by then it is a task */
#define TOO_LARGE (5u << 20) /* for a task to keep */

static const struct field no_fields[] = { { 0 } };

/* ---- a call that does something later ---- */

struct later {
	struct call *call;
	void (*then)(struct later *later);
	const void *args;
	const char *text;
	sd_event_source *timer;
};

static int on_time(sd_event_source *source, uint64_t now, void *data)
{
	struct later *later = data;
	(void)source, (void)now;
	loop_drop(&later->timer);
	call_on_cancel(later->call, NULL, NULL);
	later->then(later);
	return 0;
}

static void on_cancel(void *data)
{
	struct later *later = data;
	struct err err;
	loop_drop(&later->timer);
	err_set(&err, ERR_CANCELLED, "cancelled");
	call_fail(later->call, &err);
}

static struct later *do_later(
	struct call *call, const void *args, unsigned ms, void (*then)(struct later *later))
{
	struct later *later = call_alloc(call, sizeof(*later));
	*later = (struct later){ .call = call, .then = then, .args = args };
	later->timer = loop_after_ms(call_event(call), ms, on_time, later);
	call_on_cancel(call, on_cancel, later);
	return later;
}

static void reply_text(struct call *call, const char *text)
{
	call_reply(call, json_pack("[o]", conformance_text(text)));
}

#define FIXTURE(id, called, what, table, size, also, fn) \
	extern const struct tool conformance_##id; \
	const struct tool conformance_##id = { \
		.name = called, \
		.title = "Conformance fixture", \
		.help = what, \
		.toolset = "conformance", \
		.hints = TOOL_READS_ONLY | (also), \
		.fields = table, \
		.args_size = size, \
		.run = fn, \
	}

/* ---- without a question ---- */

struct greet_args {
	const char *name;
};
static const struct field greet_fields[] = {
	FIELD_STR(struct greet_args, name, "Whom to greet", .required = true),
	{ 0 },
};

static void run_greet(struct call *call, const void *args)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Hello, %s!", ((const struct greet_args *)args)->name);
	reply_text(call, buf_text(&text));
}
FIXTURE(greet, "greet", "Greets, at once.", greet_fields, sizeof(struct greet_args), 0, run_greet);

struct slow_args {
	int64_t seconds;
	const char *label;
};
static const struct field slow_fields[] = {
	FIELD_NUM(struct slow_args, seconds, "How long it takes", .required = true, .max = 3600),
	FIELD_STR(struct slow_args, label, "Anything"),
	{ 0 },
};

static void finish_slow(struct later *later)
{
	reply_text(later->call, "It is computed.");
}

static void run_slow(struct call *call, const void *data)
{
	const struct slow_args *args = data;
	if (args->seconds == 0) {
		reply_text(call, "It is computed.");
	} else {
		do_later(call, data, (unsigned)args->seconds * 1000, finish_slow);
	}
}
FIXTURE(slow_compute, "slow_compute", "Takes its time.", slow_fields, sizeof(struct slow_args),
	TOOL_TAKES_TIME, run_slow);

static void fail_job(struct later *later)
{
	struct err err;
	err_set(&err, ERR_STATE, "This job intentionally fails");
	call_fail(later->call, &err);
}

static void run_failing(struct call *call, const void *args)
{
	do_later(call, args, LATER_MS, fail_job);
}
FIXTURE(failing_job, "failing_job", "Fails, later.", no_fields, 0, TOOL_NEEDS_TASK, run_failing);

/* A result that no task can keep, which is an error of the protocol and not of the tool. */
static void finish_large(struct later *later)
{
	char *text = call_alloc(later->call, TOO_LARGE + 1);
	memset(text, 'x', TOO_LARGE);
	reply_text(later->call, text);
}

static void run_protocol_error(struct call *call, const void *args)
{
	do_later(call, args, LATER_MS, finish_large);
}
FIXTURE(protocol_error_job, "protocol_error_job", "Fails with an error of the protocol, later.",
	no_fields, 0, TOOL_TAKES_TIME, run_protocol_error);

/* ---- with questions ---- */

static json_t *make_form(const char *message)
{
	return json_pack("{s:s, s:{s:s, s:{s:{s:s}, s:{s:s}}}}", "message", message,
		"requestedSchema", "type", "object", "properties", "name", "type", "string",
		"confirm", "type", "boolean");
}

static void on_answers(struct call *call, const json_t *answers, const struct err *why, void *data)
{
	(void)data;
	if (why) {
		call_fail(call, why);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "The client answered: ");
	json_write(&text, answers);
	reply_text(call, buf_text(&text));
}

static void ask_one(struct later *later)
{
	const struct call_client_request client_request = { "confirm", "elicitation/create",
		make_form("Delete it?") };
	call_request_client(later->call, &client_request, 1, on_answers, NULL);
}

struct delete_args {
	const char *filename;
};
static const struct field delete_fields[] = {
	FIELD_STR(struct delete_args, filename, "What to delete", .required = true),
	{ 0 },
};

static void run_confirm(struct call *call, const void *args)
{
	do_later(call, args, LATER_MS, ask_one);
}
FIXTURE(confirm_delete, "confirm_delete", "Asks the client's user, later.", delete_fields,
	sizeof(struct delete_args), TOOL_TAKES_TIME, run_confirm);

static void ask_two(struct later *later)
{
	const struct call_client_request client_requests[] = {
		{ "first", "elicitation/create", make_form("The first one?") },
		{ "second", "elicitation/create", make_form("And the second?") },
	};
	call_request_client(later->call, client_requests, 2, on_answers, NULL);
}

static void run_multi_input(struct call *call, const void *args)
{
	do_later(call, args, LATER_MS, ask_two);
}
FIXTURE(multi_input, "multi_input", "Asks the client's user two things at once, later.", no_fields,
	0, TOOL_TAKES_TIME, run_multi_input);

static void reply_later(struct later *later)
{
	reply_text(later->call, later->text);
}

static void on_name(struct call *call, const json_t *answers, const struct err *why, void *data)
{
	(void)data;
	if (why) {
		call_fail(call, why);
		return;
	}
	auto_buf struct buf text = { 0 };
	json_write(&text, answers);
	char *copy = call_alloc(call, text.len + 1);
	memcpy(copy, buf_text(&text), text.len);
	do_later(call, NULL, LATER_MS, reply_later)->text = copy;
}

static void run_ask_first(struct call *call, const void *args)
{
	const struct call_client_request client_request = { "user_name", "elicitation/create",
		make_form("What is your name?") };
	(void)args;
	call_request_client(call, &client_request, 1, on_name, NULL);
}
FIXTURE(tool_with_task, "test_tool_with_task", "Asks the client's user, and then takes its time.",
	no_fields, 0, TOOL_NEEDS_TASK, run_ask_first);

/*
 * POST /execute: the lines of a run, as they come.  They are bounded by the runner, and wait in the
 * response for a slow client.  A client that leaves interrupts the code.
 */
#include "server/e2b/code/code_impl.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

#define KEEP_ALIVE_MS 5000
#define ENVIRONMENT_MAX 64

struct execution {
	struct e2b_request *r;
	struct code *code; /* NULL: it has ended */
	sd_event_source *alive;
	bool begun; /* the response */
};

static void say(struct execution *e, json_t *line)
{
	auto_free char *text = must(json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII));
	auto_buf struct buf out = { 0 };
	json_decref(line);
	buf_printf(&out, "%s\n", text);
	http_stream_write(e->r->x, out.data, out.len);
}

static void say_type(struct execution *e, const char *type)
{
	say(e, must(json_pack("{s:s}", "type", type)));
}

static int on_alive(sd_event_source *source, uint64_t usec, void *data)
{
	struct execution *e = data;
	(void)usec;
	sd_event_source_set_time(source, loop_now_us() + KEEP_ALIVE_MS * 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	say_type(e, "keepalive");
	return 0;
}

static void begin(struct execution *e)
{
	e->begun = true;
	http_stream_begin(e->r->x, 200, "application/x-ndjson", -1);
	e->alive = loop_after_ms(e->r->e2b->event, KEEP_ALIVE_MS, on_alive, e);
}

/* ---- the run ---- */

static void on_begin(const struct code_begin *at, void *data)
{
	(void)at;
	begin(data);
}

static void on_stream(const struct code_stream *stream, void *data)
{
	say(data, e2b_code_stream(stream));
}

static void on_result(const struct code_result *result, void *data)
{
	say(data, e2b_code_result(result));
}

/* What was told cannot be taken back. */
static void on_clear(void *data)
{
	(void)data;
}

static void on_error(const struct code_error *error, void *data)
{
	say(data, e2b_code_error(error));
}

/* An end of its kernel is shown as an error of the code. */
static void say_end(struct execution *e, const struct code_end *end, const struct err *err)
{
	const struct code_error died = { "KernelError",
		err ? err->text : "the kernel has ended, and its state is gone", "" };
	if (err || end->status == CODE_DIED) {
		say(e, e2b_code_error(&died));
	} else {
		say(e, must(json_pack("{s:s, s:I}", "type", "number_of_executions",
			       "execution_count", (json_int_t)end->count)));
	}
	say_type(e, "end_of_execution");
	http_stream_end(e->r->x);
}

static void on_end(const struct code_end *end, const struct err *err, void *data)
{
	struct execution *e = data;
	e->code = NULL;
	loop_drop(&e->alive);
	if (!e->begun && err) {
		e2b_code_refuse(e->r, err);
		return;
	}
	if (!e->begun) {
		begin(e);
		loop_drop(&e->alive);
	}
	say_end(e, end, err);
}

/* ---- the request ---- */

static void on_closed(struct e2b_request *r)
{
	struct execution *e = r->data;
	code_close(take_ptr(&e->code));
	loop_drop(&e->alive);
	free(e);
}

struct execute_args {
	const char *code, *language, *context_id;
	const json_t *env_vars;
};

static const struct field fields[] = {
	FIELD_STR(struct execute_args, code, "Statements.", .required = true, .max = CODE_MAX),
	FIELD_STR(
		struct execute_args, language, "Default: python.", .min = 1, .max = CODE_NAME_MAX),
	FIELD_STR(struct execute_args, context_id, "Default: the one of the language.", .min = 1,
		.max = CODE_NAME_MAX),
	FIELD_STRINGS(
		struct execute_args, env_vars, "Of this run.", ENVIRONMENT_MAX, .longest = 4000),
	{ 0 },
};

static bool check_names(const json_t *variables, struct err *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)variables, name, value)
	{
		if (!strspn(name, letters) || strspn(name, all) != strlen(name)) {
			return err_set(err, ERR_ARGUMENT,
				"env_vars: a variable cannot have the name '%.63s'", name);
		}
	}
	return true;
}

static void on_json(struct e2b_request *r, const json_t *body)
{
	static const struct code_handlers handlers = { on_begin, on_stream, on_result, on_clear,
		on_error, on_end };
	struct execute_args args = { 0 };
	struct err err;
	if (!e2b_decode(fields, body, &args, &err) || !check_names(args.env_vars, &err)) {
		e2b_fail_err(r, &err);
		return;
	}
	if (args.language && args.context_id) {
		e2b_fail(r, 400, "expected language or context_id, not both");
		return;
	}
	const struct code_request request = {
		.op = CODE_RUN,
		.code = args.code,
		.language = args.language,
		.context = args.context_id,
		.environment = args.env_vars,
		.charts = true,
	};
	struct execution *e = must(calloc(1, sizeof(*e)));
	e->r = r;
	r->data = e;
	r->closed = on_closed;
	e->code = code_open(vm_guest(r->vm), &request, &handlers, e, &err);
	if (!e->code) {
		e2b_fail_err(r, &err);
	}
}

void e2b_code_execute(struct e2b_request *r, const char *id)
{
	(void)id;
	e2b_read_json(r, on_json);
}

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/call/tool.h"
#include "vm/guest/code.h"

/* The contexts of run_code: each is a kernel with its own state. */

struct context_args {
	const char *sandbox, *context, *language, *cwd;
};

struct context_call {
	struct call *call;
	const struct context_args *args;
	struct code *code; /* NULL: it has ended */
	int op;            /* enum code_op */
};

/* ---- the result ---- */

static void format_context(struct buf *out, const json_t *row)
{
	struct code_context c = { 0 };
	struct err ignored; /* the row was checked */
	if (!field_decode(code_context_fields, row, &c, &ignored)) {
		return;
	}
	result_format_name(out, c.id);
	buf_printf(out, ": ");
	result_format_name(out, c.language);
	buf_printf(out, " in ");
	result_format_name(out, c.cwd);
	buf_printf(out, ", %lld execution%s%s%s\n", (long long)c.executions,
		c.executions == 1 ? "" : "s", c.busy ? ", busy" : "",
		c.running ? "" : ", not running");
}

static void format_languages(struct buf *out, const json_t *languages)
{
	size_t i;
	json_t *language;
	buf_printf(out, "Installed languages: ");
	json_array_foreach(languages, i, language)
	{
		buf_printf(out, i ? ", " : "");
		result_format_name(out, json_string_value(language));
	}
	buf_printf(out, i ? "." : "none.");
}

static void format(struct buf *out, const struct context_call *c, const struct code_end *end)
{
	size_t i;
	json_t *row;
	if (c->op == CODE_REMOVE) {
		buf_printf(out, "The context was removed.");
		return;
	}
	if (c->op == CODE_RESTART) {
		buf_printf(out, "The context was restarted; it has no state.\n");
	}
	json_array_foreach(end->contexts, i, row)
	{
		format_context(out, row);
	}
	if (c->op == CODE_LIST) {
		buf_printf(out, i ? "" : "There are no contexts.\n");
		format_languages(out, end->languages);
	}
}

static void on_end(const struct code_end *end, const struct err *err, void *data)
{
	struct context_call *c = data;
	c->code = NULL;
	if (err) {
		call_fail(c->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format(&text, c, end);
	call_reply_text(c->call, buf_text(&text));
}

/* ---- the request ---- */

static void on_call_end(void *data)
{
	code_close(take_ptr(&((struct context_call *)data)->code));
}

static void on_cancel(void *data)
{
	struct context_call *c = data;
	struct err err;
	code_close(take_ptr(&c->code));
	err_set(&err, ERR_CANCELLED,
		"the call was cancelled; the request may still be carried out");
	call_fail(c->call, &err);
}

static void begin(struct call *call, void *data)
{
	static const struct code_handlers handlers = { .on_end = on_end };
	struct context_call *c = data;
	const struct code_request request = {
		.op = c->op,
		.context = c->args->context,
		.language = c->args->language,
		.cwd = c->args->cwd,
	};
	struct err err;
	call_on_end(call, on_call_end, c);
	call_on_cancel(call, on_cancel, c);
	c->code = code_open(call_guest(call), &request, &handlers, c, &err);
	if (!c->code) {
		call_fail(call, &err);
	}
}

static void run(struct call *call, const void *args, int op)
{
	struct context_call *c = call_alloc(call, sizeof(*c));
	c->call = call;
	c->args = args;
	c->op = op;
	call_start(call, c->args->sandbox, begin, c);
}

#define CONTEXT \
	FIELD_STR(struct context_args, context, "Id of a context.", .required = true, .min = 1, \
		.max = CODE_NAME_MAX)

/* ---- the tools ---- */

static const struct field list_fields[] = {
	CALL_SANDBOX(struct context_args),
	{ 0 },
};

static void run_list(struct call *call, const void *args)
{
	run(call, args, CODE_LIST);
}

const struct tool tool_code_context_list = {
	.name = "code_context_list",
	.title = "List code contexts",
	.help = "Lists the contexts of run_code, and the languages that are installed.",
	.toolset = "code",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_ANY_TIME,
	.fields = list_fields,
	.args_size = sizeof(struct context_args),
	.run = run_list,
};

static const struct field create_fields[] = {
	FIELD_STR(
		struct context_args, language, "Default: python.", .min = 1, .max = CODE_NAME_MAX),
	FIELD_STR(struct context_args, cwd, "Directory. Default: the home directory.", .min = 1,
		.max = 4000),
	CALL_SANDBOX(struct context_args),
	{ 0 },
};

static void run_create(struct call *call, const void *args)
{
	run(call, args, CODE_CREATE);
}

const struct tool tool_code_context_create = {
	.name = "code_context_create",
	.title = "Create a code context",
	.help = "Starts a further kernel for run_code, with state of its own. Returns its id.",
	.toolset = "code",
	.hints = TOOL_EXTRA,
	.order = TOOL_RUNS,
	.fields = create_fields,
	.args_size = sizeof(struct context_args),
	.run = run_create,
};

static const struct field named_fields[] = {
	CONTEXT,
	CALL_SANDBOX(struct context_args),
	{ 0 },
};

static void run_restart(struct call *call, const void *args)
{
	run(call, args, CODE_RESTART);
}

const struct tool tool_code_context_restart = {
	.name = "code_context_restart",
	.title = "Restart a code context",
	.help = "Ends the kernel of a context, with the code that runs in it, and starts it without "
		"state.",
	.toolset = "code",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_REPEATABLE,
	.order = TOOL_ANY_TIME,
	.fields = named_fields,
	.args_size = sizeof(struct context_args),
	.run = run_restart,
};

static void run_remove(struct call *call, const void *args)
{
	run(call, args, CODE_REMOVE);
}

const struct tool tool_code_context_remove = {
	.name = "code_context_remove",
	.title = "Remove a code context",
	.help = "Ends the kernel of a context, with the code that runs in it, and forgets it.",
	.toolset = "code",
	.hints = TOOL_EXTRA | TOOL_DESTROYS,
	.order = TOOL_ANY_TIME,
	.fields = named_fields,
	.args_size = sizeof(struct context_args),
	.run = run_remove,
};

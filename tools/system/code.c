#include "tools/system/code_result.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "tools/call/result.h"
#include "tools/desktop/input.h"

#include <stdio.h>
#include <string.h>

/* run_code: code with state, and what it shows. */

struct code_args {
	const char *sandbox, *code, *language, *context;
	double timeout;
	int formats;
};

struct run {
	struct call *call;
	const struct code_args *args;
	struct code *code; /* NULL: it has ended */
	struct code_blocks blocks;
	int pieces;
};

#define TIMEOUT_MAX 3600  /* in seconds */
#define PROGRESS_MAX 2000 /* bytes of output in one message */

static const char *const format_names[] = { "best", "all", NULL };

static const struct field fields[] = {
	FIELD_STR(struct code_args, code, "Statements; the value of the last expression is shown.",
		.required = true, .min = 1, .max = CODE_MAX),
	FIELD_STR(struct code_args, language, "Default: python. Others as installed.", .min = 1,
		.max = CODE_NAME_MAX),
	FIELD_STR(struct code_args, context,
		"Id of code_context_create. Default: one for each language.", .min = 1,
		.max = CODE_NAME_MAX),
	FIELD_DEC(struct code_args, timeout, "Seconds until it is interrupted.", .min = 1,
		.max = TIMEOUT_MAX, .default_value = 120),
	FIELD_ONE_OF(struct code_args, formats,
		"Of each result: the best representation, or all, for example a table's HTML.",
		format_names),
	CALL_SANDBOX(struct code_args),
	{ 0 },
};

/* ---- while it runs ---- */

static void on_begin(const struct code_begin *begin, void *data)
{
	static const char *const reasons[] = {
		[CODE_LOST_NOTHING] = NULL,
		[CODE_LOST_RUNNER] = "the code runner had ended",
		[CODE_LOST_KERNEL] = "its kernel had ended",
		[CODE_LOST_STOPPED] =
			"its kernel was ended, because it did not react to an interrupt",
	};
	struct run *run = data;
	if (reasons[begin->lost]) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, "Earlier state of the context ");
		result_quote_name(&text, begin->context);
		buf_printf(&text, " is gone: %s", reasons[begin->lost]);
		code_blocks_note(&run->blocks, buf_text(&text));
	}
}

/* As text of whole characters, from its end. */
static void tell_progress(struct run *run, const char *text)
{
	size_t len = strlen(text);
	const char *from = text + (len > PROGRESS_MAX ? len - PROGRESS_MAX : 0);
	while (((uint8_t)*from & 0xc0) == 0x80) {
		from++;
	}
	call_progress(run->call, ++run->pieces, 0, from);
}

static void on_stream(const struct code_stream *stream, void *data)
{
	struct run *run = data;
	code_blocks_stream(&run->blocks, stream);
	tell_progress(run, stream->text);
}

static void on_result(const struct code_result *result, void *data)
{
	code_blocks_result(&((struct run *)data)->blocks, result);
}

static void on_clear(void *data)
{
	code_blocks_clear(&((struct run *)data)->blocks);
}

static void on_error(const struct code_error *error, void *data)
{
	code_blocks_error(&((struct run *)data)->blocks, error);
}

/* ---- the end ---- */

static const char *describe_state(const struct code_end *end)
{
	return end->reason ? "It did not react, so its kernel was ended and its state is gone"
			   : "Its state is kept";
}

/* Code that raises an error has run, and the traceback is a result, like a command's status. */
static bool explain(const struct run *run, const struct code_end *end, struct err *ret_err)
{
	switch (end->status) {
	case CODE_TIMEOUT:
		err_set(ret_err, ERR_TIMEOUT,
			"the code reached its timeout of %.10g s and was interrupted. %s. Its "
			"output until then is below. Pass a larger 'timeout' (at most %d), or run "
			"it as a program in the background",
			run->args->timeout, describe_state(end), TIMEOUT_MAX);
		return true;
	case CODE_CANCELLED:
		err_set(ret_err, ERR_CANCELLED, "the code was cancelled and interrupted. %s",
			describe_state(end));
		return true;
	case CODE_DIED: {
		auto_buf struct buf reason = { 0 };
		result_format_name(&reason, end->reason ? end->reason : "unknown");
		err_set(ret_err, ERR_HOST,
			"the kernel ended while the code ran (%s); its state is gone, and the next "
			"call starts a new one. Signal 9 means in most cases that the sandbox has "
			"no memory left",
			buf_text(&reason));
		return true;
	}
	default:
		return false;
	}
}

static void on_end(const struct code_end *end, const struct err *err, void *data)
{
	struct run *run = data;
	struct err why;
	run->code = NULL;
	json_t *content = code_blocks_finish(&run->blocks);
	if (err || explain(run, end, &why)) {
		return call_fail_with(run->call, err ? err : &why, content);
	}
	if (!json_array_size(content)) {
		result_add_text(content, "[no output]");
	}
	call_reply(run->call, content);
}

static void on_cancel(void *data)
{
	struct run *run = data;
	if (run->code) {
		code_cancel(run->code);
	}
}

static void on_call_end(void *data)
{
	struct run *run = data;
	code_close(take_ptr(&run->code));
	code_blocks_done(&run->blocks);
}

static void begin(struct call *call, void *data)
{
	static const struct code_handlers handlers = { on_begin, on_stream, on_result, on_clear,
		on_error, on_end };
	struct run *run = data;
	const struct code_args *args = run->args;
	const struct code_request request = {
		.op = CODE_RUN,
		.code = args->code,
		.language = args->language,
		.context = args->context,
		.timeout_ms = input_ms(args->timeout),
		.image_bytes = CODE_IMAGE_BYTES,
		.image_side = CODE_IMAGE_SIDE,
	};
	struct err err;
	code_blocks_init(&run->blocks, args->formats);
	call_on_end(call, on_call_end, run);
	call_on_cancel(call, on_cancel, run);
	run->code = code_open(call_guest(call), &request, &handlers, run, &err);
	if (!run->code) {
		call_fail(call, &err);
	}
}

static void run_code(struct call *call, const void *data)
{
	struct run *run = call_alloc(call, sizeof(*run));
	struct err err;
	run->call = call;
	run->args = data;
	if (run->args->language && run->args->context) {
		err_set(&err, ERR_ARGUMENT,
			"'language' and 'context' exclude each other: a context has its language. "
			"Omit one");
		return call_fail(call, &err);
	}
	call_summarize(call, run->args->code);
	call_start(call, run->args->sandbox, begin, run);
}

const struct tool tool_run_code = {
	.name = "run_code",
	.title = "Run code",
	.help = "Runs code in a Jupyter kernel of the sandbox and returns its output and results: "
		"text, tables, plots as images, errors with traceback. Variables and imports stay "
		"for later calls. Prefer it to run_command for Python with state and for plots.",
	.toolset = "code",
	.hints = TOOL_EXTRA | TOOL_TAKES_TIME | TOOL_DESTROYS,
	.max_chars = 100000,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct code_args),
	.run = run_code,
};

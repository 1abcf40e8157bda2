#include "tools/input.h"

#include "base/cleanup.h"
#include "tools/result.h"
#include "vm/wire/messages.h"

#include <string.h>

/* run_command: a shell command in the sandbox, with its output as one text in the form of a
 * terminal. */

struct shell_args {
	const char *sandbox;
	const char *command, *cwd;
	double timeout;
};

struct shell {
	struct call *call;
	const struct shell_args *args;
};

#define SHELL_TIMEOUT_MAX 3600 /* in seconds */

static const struct field fields[] = {
	FIELD_STR(struct shell_args, command, "Command line for a login shell.", .required = true,
		.min = 1, .max = MESSAGE_COMMAND_MAX),
	FIELD_STR(struct shell_args, cwd, "Directory. Default: the home directory.", .min = 1,
		.max = MESSAGE_PATH_MAX),
	FIELD_DEC(struct shell_args, timeout,
		"Seconds until the command and its children are killed.", .min = 1,
		.max = SHELL_TIMEOUT_MAX, .default_value = 120),
	CALL_SANDBOX(struct shell_args),
	{ 0 },
};

/* "12,345": easier to read inside other text. */
static void format_count(struct buf *out, int64_t n)
{
	if (n >= 1000) {
		format_count(out, n / 1000);
		buf_printf(out, ",%03d", (int)(n % 1000));
		return;
	}
	buf_printf(out, "%d", (int)n);
}

static void start_line(struct buf *out)
{
	if (out->len && out->data[out->len - 1] != '\n') {
		buf_printf(out, "\n");
	}
}

static void format_output(struct buf *out, const struct guest_output *o)
{
	buf_printf(out, "%s", o->head);
	if (o->cut > 0) {
		start_line(out);
		buf_printf(out, "[");
		format_count(out, o->cut);
		buf_printf(out,
			" bytes omitted]\n"
			"%s",
			o->tail);
	}
}

static void format_end(struct buf *out, const struct guest_exec *res)
{
	if (res->exited && res->status == 0) {
		return;
	}
	start_line(out);
	if (res->exited) {
		buf_printf(out, "[exit code %lld]", (long long)res->status);
		return;
	}
	const char *name =
		res->status > 0 && res->status < 65 ? sigabbrev_np((int)res->status) : NULL;
	buf_printf(out, name ? "[killed by signal %lld, SIG%s]" : "[killed by signal %lld]",
		(long long)res->status, name);
}

/* stdout alone is returned byte for byte; labels appear only for what a terminal would not show as
 * clearly. */
static void format(struct buf *out, const struct guest_exec *res)
{
	format_output(out, &res->out);
	if (res->err.total > 0) {
		start_line(out);
		buf_printf(out, "[stderr]\n");
		format_output(out, &res->err);
	}
	if (!res->timed_out) {
		format_end(out, res);
	}
	if (!out->len) {
		buf_printf(out, "[no output]");
	}
}

/*
 * A command that exits with a failure has run, and its status is a result (grep found nothing, a
 * test failed).  isError is for commands that could not be run or reached their timeout.
 */
static void ran(const struct guest_exec *res, const struct err *err, void *data)
{
	struct shell *shell = data;
	if (err) {
		call_fail(shell->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format(&text, res);
	if (!res->exited || res->status) {
		result_format_full(
			&text, res->err.cut ? res->err.tail : res->err.head, call_vm(shell->call));
	}
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	if (!res->timed_out) {
		call_reply(shell->call, content);
		return;
	}
	struct err late;
	err_set(&late, ERR_TIMEOUT,
		"the command reached its timeout of %.10g s and was killed with its child "
		"processes. Its output until then is below. Pass a larger 'timeout' (at "
		"most %d), or run it in the background with its output in a file",
		shell->args->timeout, SHELL_TIMEOUT_MAX);
	call_fail_with(shell->call, &late, content);
}

static void begin(struct call *call, void *data)
{
	struct shell *shell = data;
	call_works(call, guest_exec(call_guest(call), shell->args->command, shell->args->cwd,
				 input_ms(shell->args->timeout), ran, shell));
}

static void run(struct call *call, const void *data)
{
	struct shell *shell = call_alloc(call, sizeof(*shell));
	shell->args = data;
	call_summarize(call, shell->args->command);
	shell->call = call;
	call_start(call, shell->args->sandbox, begin, shell);
}

const struct tool tool_run_command = {
	.name = "run_command",
	.title = "Run a command",
	.help = "Runs a shell command and waits until it exits. Returns stdout, stderr and an exit "
		"code other than 0; long output is cut in the middle. Prefer it for files; use "
		"launch for programs with windows.",
	.toolset = "shell",
	.hints = TOOL_TAKES_TIME | TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.max_chars = 100000,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct shell_args),
	.run = run,
};

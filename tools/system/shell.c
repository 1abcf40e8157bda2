#include "tools/desktop/input.h"
#include "tools/system/output.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "vm/wire/messages.h"

/* run_command: a shell command in the sandbox, with its output as one text in the form of a
 * terminal. */

struct shell_args {
	const char *sandbox;
	const char *command, *cwd, *stdin, *user;
	const json_t *env;
	double timeout;
	bool background;
};

struct shell {
	struct call *call;
	const struct shell_args *args;
	struct output_progress progress;
};

#define SHELL_TIMEOUT_MAX 3600 /* in seconds */
#define SHELL_TIMEOUT_DEFAULT 120
#define SHELL_INPUT_MAX 65536 /* more is for file_write */

static const struct field fields[] = {
	FIELD_STR(struct shell_args, command, "For a login shell.", .required = true, .min = 1,
		.max = MESSAGE_COMMAND_MAX),
	FIELD_STR(struct shell_args, cwd, "Default: home.", .min = 1, .max = MESSAGE_PATH_MAX),
	FIELD_STRINGS(struct shell_args, env, "Variables.", PROCESS_VARIABLES_MAX,
		.longest = PROCESS_VARIABLE_MAX),
	FIELD_STR(struct shell_args, user, "root: microvm only.", .max = MESSAGE_USER_MAX),
	FIELD_STR(struct shell_args, stdin, "Its input.", .max = SHELL_INPUT_MAX),
	FIELD_DEC(struct shell_args, timeout, "Seconds; default: 120.", .min = 1,
		.max = SHELL_TIMEOUT_MAX),
	FIELD_FLAG(struct shell_args, background, "Do not wait for its end."),
	CALL_SANDBOX(struct shell_args),
	{ 0 },
};

static double timeout(const struct shell_args *args)
{
	return args->timeout > 0 ? args->timeout : args->background ? 0 : SHELL_TIMEOUT_DEFAULT;
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
	if (res->running) {
		output_format_started(&text, res->pid);
	} else {
		output_format(&text, res);
	}
	if (!res->running && (!res->exited || res->status)) {
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
		"most %d), or 'background'",
		timeout(shell->args), SHELL_TIMEOUT_MAX);
	call_fail_with(shell->call, &late, content);
}

static void printed(const void *bytes, size_t len, void *data)
{
	struct shell *shell = data;
	output_progress(&shell->progress, shell->call, bytes, len);
}

static void over(void *data)
{
	output_progress_done(&((struct shell *)data)->progress);
}

static void begin(struct call *call, void *data)
{
	struct shell *shell = data;
	const struct shell_args *args = shell->args;
	const struct guest_command command = {
		.command = args->command,
		.cwd = args->cwd,
		.user = args->user,
		.environment = args->env,
		.input = args->stdin,
		.timeout_ms = input_ms(timeout(args)),
		.background = args->background,
		.printed = printed,
	};
	call_on_end(call, over, shell);
	call_works(call, guest_run(call_guest(call), &command, ran, shell));
}

static void run(struct call *call, const void *data)
{
	struct shell *shell = call_alloc(call, sizeof(*shell));
	struct err err;
	shell->args = data;
	if (shell->args->background && shell->args->stdin) {
		err_set(&err, ERR_ARGUMENT,
			"'stdin' is not possible with 'background'; write with process_input");
		return call_fail(call, &err);
	}
	call_summarize(call, shell->args->command);
	shell->call = call;
	call_start(call, shell->args->sandbox, begin, shell);
}

const struct tool tool_run_command = {
	.name = "run_command",
	.title = "Run a command",
	.help = "Runs a shell command. Returns stdout, stderr and an exit code other than 0; long "
		"output is cut. For programs with windows, prefer launch.",
	.toolset = "shell",
	.hints = TOOL_TAKES_TIME | TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.max_chars = 100000,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct shell_args),
	.run = run,
};

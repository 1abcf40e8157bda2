#include "base/cleanup.h"
#include "base/utf8.h"
#include "tools/call/result.h"
#include "tools/desktop/input.h"
#include "tools/system/output.h"
#include "vm/guest/ask.h"
#include "vm/wire/messages.h"

#include <signal.h>
#include <string.h>

/*
 * Terminals: processes with a screen.  terminal_open, terminal_input and terminal_resize return the
 * screen when the program has been quiet, or after a limit; terminal_read may add the stream.
 */

#define INPUT_MS 1000 /* for a program to read what is typed; the rest stays for it */
#define QUIET_MS 150
#define WAIT_DEFAULT 2
#define WAIT_MAX 600
#define COLUMNS 80
#define ROWS 24
#define STREAM_BYTES 24000

struct terminal_args {
	const char *sandbox, *command, *cwd, *text;
	const json_t *env, *keys;
	int64_t pid, columns, rows, since;
	double wait;
};

struct terminal_call {
	struct call *call;
	const struct terminal_args *args;
	int64_t pid;
	json_t *content; /* what is returned beside the screen */
	const struct message
		*message; /* of what happens before the look at the screen; NULL: nothing */
	union {
		struct msg_process_input input;
		struct msg_process_output output;
		struct msg_process_resize resize;
		struct msg_process_signal signal;
	} request;
	guest_answered_fn *answered;
};

#define ARGS struct terminal_args
#define PID \
	FIELD_NUM(ARGS, pid, "Process id that terminal_open returned.", .required = true, \
		.min = 1, .max = UINT32_MAX)
#define WAIT \
	FIELD_DEC(ARGS, wait, \
		"Maximum seconds until the screen is returned; it is as soon as the program has been " \
		"quiet.", \
		.max = WAIT_MAX, .default_value = WAIT_DEFAULT)
#define SIZE(...) \
	FIELD_NUM(ARGS, columns, "Width in characters.", .min = 2, .max = MESSAGE_TERMINAL_MAX, \
		__VA_ARGS__), \
		FIELD_NUM(ARGS, rows, "Height in characters.", .min = 2, \
			.max = MESSAGE_TERMINAL_MAX, __VA_ARGS__)

/* ---- the screen ---- */

static void format_screen(
	struct buf *out, int64_t pid, const struct msg_process_screen_answer *screen)
{
	size_t i, used = 0;
	json_t *line;
	buf_printf(out, "[terminal %lld, %lldx%lld", (long long)pid, (long long)screen->columns,
		(long long)screen->rows);
	if (screen->cursor) {
		buf_printf(out, ", cursor at row %lld, column %lld", (long long)screen->row + 1,
			(long long)screen->column + 1);
	}
	if (!screen->running) {
		buf_printf(out, ", its program has ended: ");
		output_format_status(out, screen->status, screen->signal);
	}
	buf_printf(out, ", since: %lld]\n", (long long)screen->total);
	json_array_foreach(screen->lines, i, line)
	{
		used = json_string_length(line) ? i + 1 : used;
	}
	json_array_foreach(screen->lines, i, line)
	{
		if (i < used) {
			buf_printf(out, "%s\n", json_string_value(line));
		}
	}
}

static void have_screen(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct terminal_call *t = data;
	auto_buf struct buf text = { 0 };
	(void)tail, (void)tail_len;
	if (err) {
		json_decref(t->content);
		return call_fail(t->call, err);
	}
	format_screen(&text, t->pid, answer);
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	if (t->content) {
		json_array_extend(content, t->content);
		json_decref(t->content);
	}
	call_reply(t->call, content);
}

static guest_id look(struct terminal_call *t)
{
	const struct msg_process_screen args = { .pid = t->pid,
		.quiet_ms = t->args->wait > 0 ? QUIET_MS : 0,
		.wait_ms = input_ms(t->args->wait),
		.printed = !t->args->pid /* it was just opened */ };
	const struct guest_question question = {
		.message = &message_process_screen,
		.args = &args,
		.time_ms = ASK_TIME_MS + args.wait_ms,
		.is_command = true,
	};
	return guest_ask(call_guest(t->call), &question, have_screen, t);
}

static void look_after(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct terminal_call *t = data;
	(void)answer, (void)tail, (void)tail_len;
	if (err) {
		return call_fail(t->call, err);
	}
	call_works(t->call, look(t));
}

/* ---- start ---- */

static void begin(struct call *call, void *data)
{
	struct terminal_call *t = data;
	const char *text = t->message == &message_process_input ? t->args->text : NULL;
	const struct guest_question question = {
		.message = t->message,
		.args = &t->request,
		.tail = text,
		.tail_len = text ? strlen(text) : 0,
		.is_command = true,
	};
	call_works(call,
		t->message ? guest_ask(call_guest(call), &question, t->answered, t) : look(t));
}

static struct terminal_call *new_call(
	struct call *call, const struct terminal_args *args, const struct message *message)
{
	struct terminal_call *t = call_alloc(call, sizeof(*t));
	t->call = call;
	t->args = args;
	t->pid = args->pid;
	t->message = message;
	t->answered = look_after;
	return t;
}

static void start(struct terminal_call *t, call_begin_fn *fn)
{
	call_start(t->call, t->args->sandbox, fn, t);
}

/* ---- open ---- */

static const struct field open_fields[] = {
	FIELD_STR(ARGS, command, "Command line. Default: an interactive shell.", .min = 1,
		.max = MESSAGE_COMMAND_MAX),
	SIZE(),
	FIELD_STR(ARGS, cwd, "Directory. Default: the home directory.", .min = 1,
		.max = MESSAGE_PATH_MAX),
	FIELD_STRINGS(ARGS, env, "Further variables.", PROCESS_VARIABLES_MAX,
		.longest = PROCESS_VARIABLE_MAX),
	WAIT,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void opened(const struct guest_exec *res, const struct err *err, void *data)
{
	struct terminal_call *t = data;
	t->pid = res ? res->pid : 0;
	look_after(NULL, NULL, 0, err, t);
}

static void begin_open(struct call *call, void *data)
{
	struct terminal_call *t = data;
	const struct terminal_args *args = t->args;
	const struct guest_command command = {
		.command = args->command ? args->command : "exec \"${SHELL:-/bin/sh}\" -i",
		.cwd = args->cwd,
		.environment = args->env,
		.background = true,
		.columns = args->columns ? args->columns : COLUMNS,
		.rows = args->rows ? args->rows : ROWS,
	};
	call_works(call, guest_run(call_guest(call), &command, opened, t));
}

static void run_open(struct call *call, const void *args)
{
	start(new_call(call, args, NULL), begin_open);
}

/* ---- input, resize, close ---- */

static const struct field input_fields[] = {
	PID,
	FIELD_STR(ARGS, text, "Typed first. \\n is not the Enter key.", .max = PROCESS_INPUT_MAX),
	FIELD_TEXT_LIST(ARGS, keys, "Pressed after the text: Enter, ctrl+c, Up, F5, Escape.",
		PROCESS_KEYS_MAX),
	WAIT,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void run_input(struct call *call, const void *data)
{
	const struct terminal_args *args = data;
	struct terminal_call *t = new_call(call, args, &message_process_input);
	struct err err;
	if (!args->text && !args->keys) {
		err_set(&err, ERR_ARGUMENT, "'text' or 'keys' is required");
		return call_fail(call, &err);
	}
	t->request.input = (struct msg_process_input){
		.pid = args->pid, .keys = args->keys, .wait_ms = INPUT_MS
	};
	start(t, begin);
}

static const struct field resize_fields[] = {
	PID,
	SIZE(.required = true),
	WAIT,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void run_resize(struct call *call, const void *data)
{
	const struct terminal_args *args = data;
	struct terminal_call *t = new_call(call, args, &message_process_resize);
	t->request.resize = (struct msg_process_resize){
		.pid = args->pid, .columns = args->columns, .rows = args->rows
	};
	start(t, begin);
}

static const struct field close_fields[] = {
	PID,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void closed(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct terminal_call *t = data;
	(void)answer, (void)tail, (void)tail_len;
	if (err) {
		return call_fail(t->call, err);
	}
	call_reply_text(t->call, "The terminal was closed, and its processes were killed.");
}

static void run_close(struct call *call, const void *data)
{
	const struct terminal_args *args = data;
	struct terminal_call *t = new_call(call, args, &message_process_signal);
	t->request.signal =
		(struct msg_process_signal){ .pid = args->pid, .signal = SIGKILL, .tree = true };
	t->answered = closed;
	start(t, begin);
}

/* ---- read ---- */

static const struct field read_fields[] = {
	PID,
	FIELD_NUM(ARGS, since,
		"Also return the raw stream, with escape sequences, from this value of `since` on.",
		.default_value = -1, .max = 1e15),
	WAIT,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void have_stream(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct terminal_call *t = data;
	const struct msg_process_output_answer *a = answer;
	if (!err) {
		auto_buf struct buf text = { 0 };
		buf_printf(&text, "[stream from %lld to %lld]\n", (long long)a->out,
			(long long)(a->out + (int64_t)tail_len));
		utf8_append_clean(&text, tail, tail_len);
		t->content = json_array();
		result_add_text(t->content, buf_text(&text));
	}
	look_after(NULL, NULL, 0, err, t);
}

static void run_read(struct call *call, const void *data)
{
	const struct terminal_args *args = data;
	bool streams = args->since >= 0;
	struct terminal_call *t = new_call(call, args, streams ? &message_process_output : NULL);
	if (streams) {
		t->request.output = (struct msg_process_output){
			.pid = args->pid, .out = args->since, .err = -1, .max = STREAM_BYTES
		};
		t->answered = have_stream;
	}
	start(t, begin);
}

#define RETURNS "Returns the screen as text and the cursor, when the program has been quiet."

const struct tool tool_terminal_open = {
	.name = "terminal_open",
	.title = "Open a terminal",
	.help = "Starts a shell or a full-screen program (vim, htop) in a terminal. " RETURNS
		" Prefer run_command for commands that only print.",
	.toolset = "terminal",
	.hints = TOOL_DESTROYS | TOOL_EXTRA,
	.order = TOOL_IN_TURN,
	.fields = open_fields,
	.args_size = sizeof(ARGS),
	.run = run_open,
};

const struct tool tool_terminal_input = {
	.name = "terminal_input",
	.title = "Type in a terminal",
	.help = "Types text and presses keys in a terminal. " RETURNS,
	.toolset = "terminal",
	.hints = TOOL_DESTROYS | TOOL_EXTRA,
	.order = TOOL_IN_TURN,
	.fields = input_fields,
	.args_size = sizeof(ARGS),
	.run = run_input,
};

const struct tool tool_terminal_read = {
	.name = "terminal_read",
	.title = "Read a terminal",
	.help = "Looks at a terminal. " RETURNS,
	.toolset = "terminal",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_EXTRA,
	.order = TOOL_LOOKS,
	.fields = read_fields,
	.args_size = sizeof(ARGS),
	.run = run_read,
};

const struct tool tool_terminal_resize = {
	.name = "terminal_resize",
	.title = "Resize a terminal",
	.help = "Changes the size of a terminal. " RETURNS,
	.toolset = "terminal",
	.hints = TOOL_REPEATABLE | TOOL_EXTRA,
	.order = TOOL_IN_TURN,
	.fields = resize_fields,
	.args_size = sizeof(ARGS),
	.run = run_resize,
};

const struct tool tool_terminal_close = {
	.name = "terminal_close",
	.title = "Close a terminal",
	.help = "Closes a terminal and kills its processes.",
	.toolset = "terminal",
	.hints = TOOL_DESTROYS | TOOL_EXTRA,
	.order = TOOL_IN_TURN,
	.fields = close_fields,
	.args_size = sizeof(ARGS),
	.run = run_close,
};

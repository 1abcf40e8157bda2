#include "tools/system/process_impl.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/system/output.h"

#include <string.h>

/* Processes that run_command has started: process_list, process_input, process_signal. */

#define ARGS struct process_args
#define INPUT_MS 2000 /* for a process to read; then the call is answered */

static void begin(struct call *call, void *data)
{
	struct process_call *p = data;
	const struct process_args *args = p->args;
	const struct guest_question question = {
		.message = p->message,
		.args = &p->request,
		.tail = args->text,
		.tail_len = args->text ? strlen(args->text) : 0,
		.time_ms = ASK_TIME_MS + p->wait_ms,
		.is_command = true,
	};
	call_works(call, guest_ask(call_guest(call), &question, p->answered, p));
}

struct process_call *process_call_new(struct call *call, const void *args,
	const struct message *message, guest_answered_fn *answered)
{
	struct process_call *p = call_alloc(call, sizeof(*p));
	p->call = call;
	p->args = args;
	p->message = message;
	p->answered = answered;
	return p;
}

void process_call_start(struct process_call *p)
{
	call_start(p->call, p->args->sandbox, begin, p);
}

/* ---- list ---- */

static const struct field list_fields[] = {
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void format_row(struct buf *out, const struct msg_process_row *row)
{
	buf_printf(out, "%lld ", (long long)row->pid);
	if (row->running) {
		buf_printf(out, "running");
	} else {
		output_format_status(out, row->status, row->signal);
	}
	buf_printf(out, ", %.1f s, ", (double)row->ms / 1000);
	output_format_count(out, row->out + row->err);
	buf_printf(out, " bytes%s%s: ", row->columns ? ", terminal" : "",
		row->background ? "" : ", foreground");
	result_format_name(out, row->command);
	buf_printf(out, "\n");
}

static void listed(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct process_call *p = data;
	auto_buf struct buf text = { 0 };
	size_t i;
	json_t *one;
	(void)tail, (void)tail_len;
	if (err) {
		return call_fail(p->call, err);
	}
	json_array_foreach(((const struct msg_processes_answer *)answer)->processes, i, one)
	{
		struct msg_process_row row;
		struct err ignored;
		(void)!field_decode(msg_process_row_fields, one, &row, &ignored); /* was checked */
		format_row(&text, &row);
	}
	if (!text.len) {
		buf_printf(&text, "No process was started.");
	}
	call_reply_text(p->call, buf_text(&text));
}

static void run_list(struct call *call, const void *args)
{
	process_call_start(process_call_new(call, args, &message_processes, listed));
}

/* ---- input ---- */

static const struct field input_fields[] = {
	PROCESS_PID,
	FIELD_STR(ARGS, text, "For its stdin; end a line with \\n.", .max = PROCESS_INPUT_MAX),
	FIELD_FLAG(ARGS, end, "Close its stdin afterwards."),
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void done(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct process_call *p = data;
	auto_buf struct buf text = { 0 };
	(void)tail, (void)tail_len;
	if (err) {
		return call_fail(p->call, err);
	}
	const struct msg_process_input_answer *input = answer;
	if (p->message == &message_process_signal) {
		buf_printf(&text, "Process %lld was sent the signal.", (long long)p->args->pid);
	} else {
		buf_printf(&text, "Process %lld was sent %zu bytes%s.", (long long)p->args->pid,
			p->args->text ? strlen(p->args->text) : 0,
			p->args->end ? ", and its stdin was closed" : "");
		if (input->pending) {
			buf_printf(&text, " It has not read %lld bytes yet; they stay.",
				(long long)input->pending);
		}
	}
	call_reply_text(p->call, buf_text(&text));
}

static void run_input(struct call *call, const void *data)
{
	const struct process_args *args = data;
	struct process_call *p = process_call_new(call, args, &message_process_input, done);
	struct err err;
	if (!args->text && !args->end) {
		err_set(&err, ERR_ARGUMENT, "'text' or 'end' is required");
		return call_fail(call, &err);
	}
	p->request.input = (struct msg_process_input){
		.pid = args->pid, .end = args->end, .wait_ms = INPUT_MS
	};
	process_call_start(p);
}

/* ---- signal ---- */

static const struct field signal_fields[] = {
	PROCESS_PID,
	FIELD_STR(ARGS, signal, "Name or number: INT, HUP, KILL, 9.", .max = 20,
		.default_text = "TERM"),
	FIELD_FLAG(ARGS, tree, "Kill it with all its descendants."),
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static int signal_number(const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);
	if (!*end && number >= 1 && number <= 64) {
		return (int)number;
	}
	name += strncasecmp(name, "SIG", 3) == 0 ? 3 : 0;
	for (int n = 1; n < 32; n++) {
		const char *known = sigabbrev_np(n);
		if (known && strcasecmp(known, name) == 0) {
			return n;
		}
	}
	return 0;
}

static void run_signal(struct call *call, const void *data)
{
	const struct process_args *args = data;
	struct process_call *p = process_call_new(call, args, &message_process_signal, done);
	int number = signal_number(args->signal);
	struct err err;
	if (!number) {
		err_set(&err, ERR_ARGUMENT,
			"'signal' must be the name or number of a signal, such as TERM, INT, KILL "
			"or 15; got '%.20s'",
			args->signal);
		return call_fail(call, &err);
	}
	p->request.signal = (struct msg_process_signal){
		.pid = args->pid, .signal = number, .tree = args->tree
	};
	process_call_start(p);
}

const struct tool tool_process_list = {
	.name = "process_list",
	.title = "List processes",
	.help = "Lists the processes that run_command and terminal_open have started: those that "
		"run, and the last that ended.",
	.toolset = "shell",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_EXTRA,
	.order = TOOL_LOOKS,
	.fields = list_fields,
	.args_size = sizeof(ARGS),
	.run = run_list,
};

const struct tool tool_process_input = {
	.name = "process_input",
	.title = "Write to a process",
	.help = "Writes text to the stdin of a process in the background.",
	.toolset = "shell",
	.hints = TOOL_DESTROYS | TOOL_EXTRA,
	.order = TOOL_IN_TURN,
	.fields = input_fields,
	.args_size = sizeof(ARGS),
	.run = run_input,
};

const struct tool tool_process_signal = {
	.name = "process_signal",
	.title = "Signal a process",
	.help = "Sends a signal to a process and its group.",
	.toolset = "shell",
	.hints = TOOL_DESTROYS | TOOL_EXTRA,
	.order = TOOL_IN_TURN,
	.fields = signal_fields,
	.args_size = sizeof(ARGS),
	.run = run_signal,
};

#include "tools/dialect/claude.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "base/loop.h"
#include "tools/call/result.h"
#include "tools/system/output.h"
#include "vm/guest/ask.h"
#include "vm/guest/conversation.h"
#include "vm/guest/exec.h"

#include <signal.h>
#include <string.h>
#include <sys/queue.h>

/*
 * Anthropic's tool `bash` (bash_20250124): one shell for all calls, with its variables, functions and
 * directory.  It is a process of the sandbox with a tag, so it outlives the connection, and a fork
 * has its own.  It reads its commands from a pipe; each is followed by a random mark on both outputs,
 * which tells its end.
 */

#define TAG "bash"
#define TIMEOUT_MS 300000
#define STATUS_DIGITS 3

struct bash {
	LIST_ENTRY(bash) entry; /* in running, from begin() on */
	struct call *call;
	const struct claude_bash_args *args;
	struct conversation *shell; /* NULL: none, or over */
	sd_event_source *timer;
	bool attached; /* to a shell of an earlier call; it may have ended */
	char mark[ID_LEN + 1];
	struct buf script;     /* not yet written */
	struct buf pending[2]; /* bytes that may hold a mark, by channel */
	bool complete[2];
	struct output output[2];
	int64_t status;
	struct output_progress progress;
};

/* Commands that have not ended, of all sandboxes. */
static LIST_HEAD(, bash) running = LIST_HEAD_INITIALIZER(running);

#define ARGS struct claude_bash_args
const struct field claude_bash_fields[] = {
	FIELD_STR(ARGS, command, "Command line. The shell keeps its state between calls.", .min = 1,
		.max = MESSAGE_COMMAND_MAX),
	FIELD_FLAG(ARGS, restart, "End the shell, with everything that runs in it."),
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static void on_call_end(void *data)
{
	struct bash *b = data;
	if (!b->args->restart) {
		LIST_REMOVE(b, entry);
	}
	loop_drop(&b->timer);
	buf_done(&b->pending[0]);
	buf_done(&b->pending[1]);
	buf_done(&b->script);
	output_progress_done(&b->progress);
}

/* ---- answers ---- */

static json_t *content_of(const struct bash *b, const struct msg_exec_answer *exited)
{
	auto_buf struct buf text = { 0 };
	struct guest_exec res = { .exited = true, .status = exited ? 0 : b->status };
	auto_free char *out = NULL, *out_tail = NULL, *errors = NULL, *errors_tail = NULL;
	output_fill(&b->output[EXEC_STDOUT], &res.out, &out, &out_tail);
	output_fill(&b->output[EXEC_STDERR], &res.err, &errors, &errors_tail);
	output_format(&text, &res);
	if (exited) {
		output_start_line(&text);
		buf_printf(&text, "[the shell has ended: ");
		output_format_status(&text, exited->status, exited->signal);
		buf_printf(&text, "; the next call starts a new one]");
	}
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	return content;
}

/* The shell is left as it is, for the next call. */
static void finish(struct bash *b)
{
	conversation_close(take_ptr(&b->shell));
	call_reply(b->call, content_of(b, NULL));
}

static void killed(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct bash *b = data;
	(void)answer, (void)tail, (void)tail_len;
	if (err && err->kind != ERR_NOT_FOUND && err->kind != ERR_STATE) {
		return call_fail(b->call, err);
	}
	call_reply_text(b->call, "The shell was restarted.");
}

static void ignore(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	(void)answer, (void)tail, (void)tail_len, (void)err, (void)data;
}

static guest_id kill_shell(struct bash *b, guest_answered_fn *fn)
{
	const struct msg_process_signal args = { .tag = TAG, .signal = SIGKILL, .tree = true };
	const struct guest_question question = {
		.message = &message_process_signal, .args = &args, .is_command = true
	};
	return guest_ask(call_guest(b->call), &question, fn, b);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct bash *b = data;
	struct err err;
	(void)source, (void)usec;
	conversation_close(take_ptr(&b->shell));
	kill_shell(b, ignore);
	err_set(&err, ERR_TIMEOUT,
		"the command has not ended after %d s, so the shell was killed with everything in "
		"it; the next call starts a new one. Start long programs with '&' and their output "
		"in a file. The output until then is below",
		TIMEOUT_MS / 1000);
	call_fail_with(b->call, &err, content_of(b, NULL));
	return 0;
}

static void on_cancel(void *data)
{
	struct bash *b = data;
	struct err err;
	conversation_close(take_ptr(&b->shell));
	kill_shell(b, ignore);
	err_set(&err, ERR_CANCELLED, "cancelled; the shell was killed with everything in it");
	call_fail(b->call, &err);
}

/* ---- the conversation with the shell ---- */

/* 'it'\''s' */
static void quote(struct buf *out, const char *text)
{
	buf_append(out, "'", 1);
	for (const char *at = text; *at; at++) {
		if (*at == '\'') {
			buf_append(out, "'\\''", 4);
		} else {
			buf_append(out, at, 1);
		}
	}
	buf_append(out, "'", 1);
}

static void on_writable(struct conversation *c, void *data)
{
	struct bash *b = data;
	buf_consume(&b->script, conversation_write(c, EXEC_STDIN, b->script.data, b->script.len));
}

static void write_command(struct bash *b)
{
	buf_printf(&b->script, "eval ");
	quote(&b->script, b->args->command);
	buf_printf(&b->script, " </dev/null\nprintf '\\n%s%%0%dd' $?; printf %s >&2\n", b->mark,
		STATUS_DIGITS, b->mark);
	on_writable(b->shell, b);
}

/* Passes on what cannot be part of a mark. */
static void pass(struct bash *b, unsigned channel, size_t len)
{
	struct buf *pending = &b->pending[channel];
	if (len) {
		output_add(&b->output[channel], pending->data, len);
		output_progress(&b->progress, b->call, pending->data, len);
		buf_consume(pending, len);
	}
}

/* True when the mark has come, on stdout with the status behind it. */
static bool take_mark(struct bash *b, unsigned channel)
{
	struct buf *pending = &b->pending[channel];
	size_t len = strlen(b->mark), digits = channel == EXEC_STDOUT ? STATUS_DIGITS : 0;
	const uint8_t *at = pending->len ? memmem(pending->data, pending->len, b->mark, len) : NULL;
	size_t before = at ? (size_t)(at - pending->data) : 0;
	size_t kept = len + digits + 1; /* with the line break before it */
	if (!at || pending->len < before + len + digits) {
		pass(b, channel, pending->len > kept && !at ? pending->len - kept : 0);
		return false;
	}
	if (digits) {
		b->status = strtol((const char *)at + len, NULL, 10);
		before -= before > 0; /* the line break */
	}
	pass(b, channel, before);
	buf_done(pending);
	return true;
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct bash *b = data;
	conversation_consumed(c, len);
	if (b->complete[channel]) { /* of what still runs in the background */
		return;
	}
	buf_append(&b->pending[channel], bytes, len);
	b->complete[channel] = take_mark(b, channel);
	if (b->complete[EXEC_STDOUT] && b->complete[EXEC_STDERR]) {
		finish(b);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct bash *b = data;
	(void)message;
	conversation_consumed(c, cost);
	if (!((const struct msg_started *)args)->ended) {
		b->attached = false; /* it is ours from now on */
		write_command(b);
	}
}

static void open_new(struct bash *b);

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct bash *b = data;
	(void)c;
	b->shell = NULL;
	if (b->attached && (!err || err->kind == ERR_NOT_FOUND)) {
		b->attached = false;
		open_new(b);
	} else if (err) {
		call_fail(b->call, err);
	} else {
		pass(b, EXEC_STDOUT, b->pending[EXEC_STDOUT].len);
		pass(b, EXEC_STDERR, b->pending[EXEC_STDERR].len);
		call_reply(b->call, content_of(b, answer));
	}
}

static const struct conversation_handlers handlers = {
	.on_data = on_data,
	.on_message = on_message,
	.on_writable = on_writable,
	.on_end = on_end,
};

static void open_new(struct bash *b)
{
	static const char argv[] = "/bin/bash\0-l";
	const struct msg_exec args = {
		.arguments = 2, .tag = TAG, .input = true, .background = true, .at_exit = true
	};
	const struct conversation_how how = {
		.message = &message_exec,
		.args = &args,
		.tail = argv,
		.tail_len = sizeof(argv),
		.is_command = true,
	};
	b->shell = conversation_open(call_guest(b->call), &how, &handlers, b);
}

static bool is_busy(const struct call *call)
{
	const struct bash *other;
	LIST_FOREACH(other, &running, entry)
	{
		if (call_vm(other->call) == call_vm(call)) {
			return true;
		}
	}
	return false;
}

static void begin(struct call *call, void *data)
{
	struct bash *b = data;
	struct err busy;
	if (!b->args->restart && is_busy(call)) {
		err_set(&busy, ERR_STATE,
			"the shell still runs an earlier command; wait for its result, or end both "
			"with 'restart'");
		return call_fail(call, &busy);
	}
	const struct msg_attach args = { .tag = TAG };
	const struct conversation_how how = {
		.message = &message_attach, .args = &args, .is_command = true
	};
	call_on_end(call, on_call_end, b);
	if (!b->args->restart) {
		LIST_INSERT_HEAD(&running, b, entry);
	}
	if (b->args->restart) {
		call_works(call, kill_shell(b, killed));
		return;
	}
	call_on_cancel(call, on_cancel, b);
	b->timer = loop_after_ms(call_event(call), TIMEOUT_MS, on_timeout, b);
	b->attached = true;
	b->shell = conversation_open(call_guest(call), &how, &handlers, b);
}

void claude_bash(struct call *call, const void *data)
{
	struct bash *b = call_alloc(call, sizeof(*b));
	struct err err;
	b->call = call;
	b->args = data;
	if (!b->args->command == !b->args->restart) {
		err_set(&err, ERR_ARGUMENT, "either 'command' or 'restart' is required");
		return call_fail(call, &err);
	}
	id_make(b->mark); /* no program can guess it */
	if (b->args->command) {
		call_summarize(call, b->args->command);
	}
	call_start(call, b->args->sandbox, begin, b);
}

/*
 * A request to the runner: a connection to its process (`attach`), or its start (`exec`), the request
 * on its stdin, and the lines that have the request's id.  Two starts at once leave one runner: it
 * holds a lock, and the other one ends with STATUS_OTHER.
 */
#include "vm/guest/code.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/id.h"
#include "base/loop.h"
#include "base/plain.h"
#include "vm/guest/ask.h"
#include "vm/guest/call.h"
#include "vm/guest/code_lines.h"
#include "vm/guest/code_message.h"
#include "vm/guest/code_script.h"
#include "vm/guest/conversation.h"

#include <signal.h>
#include <string.h>

#define TAG "vitrine-code"
#define SCRIPT_VARIABLE "CODE_RUNNER"
/* The script is not an argument, because lists of processes show those. */
#define COMMAND \
	"exec python3 -c 'import os, sys; sys.path[:1] = []; " \
	"exec(compile(os.environ.pop(\"" SCRIPT_VARIABLE "\"), \"code_runner\", \"exec\"))'"
#define WORDS_MAX 2000
#define TRIES_MAX 10
#define SILENCE_MS 60000 /* the runner tells every 5 s that a request is in progress */
#define INPUT_MS 120000  /* until a runner that starts reads its input */
/* exit statuses */
#define STATUS_MISSING 69
#define STATUS_OTHER 75
#define STATUS_NO_PROGRAM 127

struct code {
	struct guest *guest;
	const struct code_handlers *handlers;
	void *data;
	struct conversation *conversation;
	char id[ID_LEN + 1];
	char *request; /* a line */
	int64_t pid;   /* of the runner; 0: not known yet */
	int tries;
	bool is_run;
	bool started;  /* this conversation is `exec` */
	bool answered; /* the runner has the request */
	bool cancelled;
	bool over;    /* no callback follows */
	bool reading; /* in on_data(), which frees it then */
	struct code_lines lines;
	struct buf words; /* the last on stderr */
	sd_event_source *silence;
	uint64_t heard_us;
};

/* ---- the end ---- */

static void code_free(struct code *c)
{
	c->over = true;
	conversation_close(take_ptr(&c->conversation));
	loop_drop(&c->silence);
	if (!c->reading) {
		free(c->request);
		code_lines_done(&c->lines);
		buf_done(&c->words);
		free(c);
	}
}

static void finish(struct code *c, const struct code_end *end, const struct err *err)
{
	c->over = true;
	c->handlers->on_end(end, err, c->data);
	code_free(c);
}

static const char *last_words(const struct code *c, char *out, size_t size)
{
	auto_buf struct buf plain = { 0 };
	plain_append(&plain, buf_text(&c->words), size - 1);
	snprintf(out, size, "%s", plain.len ? buf_text(&plain) : "none");
	return out;
}

/* ---- what the host says ---- */

static void ignore_answer(
	const void *answer, const void *tail, size_t len, const struct err *err, void *data)
{
	(void)answer, (void)tail, (void)len, (void)err, (void)data;
}

/* One that is not read is noticed by its silence. */
static void say(struct code *c, const char *line)
{
	const struct msg_process_input args = { .pid = c->pid };
	const struct guest_question question = {
		.message = &message_process_input,
		.args = &args,
		.tail = line,
		.tail_len = strlen(line),
		.time_ms = INPUT_MS,
	};
	guest_ask(c->guest, &question, ignore_answer, NULL);
}

static void say_cancel(struct code *c)
{
	auto_buf struct buf line = { 0 };
	buf_printf(&line, "{\"id\": \"cancel\", \"op\": \"cancel\", \"run\": \"%s\"}\n", c->id);
	say(c, buf_text(&line));
}

static void end_runner(struct code *c)
{
	const struct msg_process_signal args = { .pid = c->pid, .signal = SIGKILL, .tree = true };
	const struct guest_question question = { .message = &message_process_signal,
		.args = &args };
	guest_ask(c->guest, &question, ignore_answer, NULL);
}

/* ---- silence ---- */

static uint64_t silence_ms(const struct code *c)
{
	return (uint64_t)SILENCE_MS * (uint64_t)guest_slowness(c->guest);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *data)
{
	struct code *c = data;
	struct err err;
	(void)source, (void)usec;
	uint64_t ms = silence_ms(c), quiet = (loop_now_us() - c->heard_us) / 1000;
	loop_drop(&c->silence);
	if (quiet < ms) {
		c->silence = loop_after_ms(c->guest->event, ms - quiet, on_silence, c);
		return 0;
	}
	end_runner(c);
	err_set(&err, ERR_TIMEOUT,
		"the code runner has not responded for %llu s, so it was ended; the state of all "
		"contexts is gone. Try again",
		(unsigned long long)ms / 1000);
	finish(c, NULL, &err);
	return 0;
}

static void heard(struct code *c)
{
	c->heard_us = loop_now_us();
	if (!c->silence) {
		c->silence = loop_after_ms(c->guest->event, silence_ms(c), on_silence, c);
	}
}

/* ---- what the runner says ---- */

static void fail(struct code *c, const struct code_fail *why)
{
	auto_buf struct buf text = { 0 };
	struct err err;
	plain_append(&text, why->text, sizeof(err.text) - 1);
	err_set(&err, err_kind_from(why->kind), "%s", buf_text(&text));
	finish(c, NULL, &err);
}

static void take_answer(struct code *c, const struct code_answer *answer)
{
	const struct code_handlers *to = c->handlers;
	switch (answer->type) {
	case CODE_ANSWER_BEGIN:
		to->on_begin(&answer->begin, c->data);
		break;
	case CODE_ANSWER_STREAM:
		to->on_stream(&answer->stream, c->data);
		break;
	case CODE_ANSWER_RESULT:
		to->on_result(&answer->result, c->data);
		break;
	case CODE_ANSWER_CLEAR:
		to->on_clear(c->data);
		break;
	case CODE_ANSWER_ERROR:
		to->on_error(&answer->error, c->data);
		break;
	case CODE_ANSWER_END:
		finish(c, &answer->end, NULL);
		break;
	case CODE_ANSWER_FAIL:
		fail(c, &answer->fail);
		break;
	default: /* alive */
		break;
	}
}

static void refuse(struct code *c, const struct err *why)
{
	struct err err;
	err_set(&err, ERR_HOST,
		"the code runner in the sandbox sent an invalid line: %.300s. A program there "
		"may have changed it; restart the context",
		why->text);
	say_cancel(c);
	finish(c, NULL, &err);
}

static bool take_line(const char *line, size_t len, void *data)
{
	struct code *c = data;
	struct code_answer answer;
	json_auto_t *json = NULL;
	struct err err;
	c->answered = true;
	heard(c);
	if (!code_answer_decode(line, len, &answer, &json, &err)) {
		refuse(c, &err);
	} else if (!c->is_run && answer.type >= CODE_ANSWER_BEGIN &&
		   answer.type <= CODE_ANSWER_ERROR) {
		err_set(&err, ERR_ARGUMENT, "it is the output of code, and none runs");
		refuse(c, &err);
	} else {
		take_answer(c, &answer);
	}
	return !c->over;
}

static void on_data(struct conversation *conversation, unsigned channel, const void *bytes,
	size_t len, void *data)
{
	struct code *c = data;
	struct err err;
	conversation_consumed(conversation, len);
	if (channel == EXEC_STDERR) {
		size_t n = len < WORDS_MAX ? len : WORDS_MAX;
		buf_append(&c->words, (const char *)bytes + (len - n), n);
		buf_consume(&c->words, c->words.len > WORDS_MAX ? c->words.len - WORDS_MAX : 0);
		return;
	}
	c->reading = true;
	if (!code_lines_add(&c->lines, bytes, len, take_line, c, &err)) {
		refuse(c, &err);
	}
	c->reading = false;
	if (c->over) {
		code_free(c);
	}
}

/* ---- its process ---- */

static void on_message(struct conversation *conversation, const struct message *message,
	const void *args, size_t cost, void *data)
{
	struct code *c = data;
	struct err err;
	conversation_consumed(conversation, cost);
	if (message != &message_started || c->pid) {
		return;
	}
	if (c->cancelled) {
		err_set(&err, ERR_CANCELLED, "the code was cancelled before it began");
		return finish(c, NULL, &err);
	}
	c->pid = ((const struct msg_started *)args)->pid;
	heard(c);
	say(c, c->request);
}

static void start(struct code *c);
static void attach(struct code *c);

static void missing(struct err *err, const char *what, const struct code *c)
{
	char words[200];
	err_set(err, ERR_UNSUPPORTED,
		"the sandbox cannot run code: %s (%s). Install the Debian package python3-ipykernel, "
		"there with apt-get or in the recipe of its image; without it, use run_command",
		what, last_words(c, words, sizeof(words)));
}

static void runner_ended(struct code *c, const struct msg_exec_answer *end)
{
	char words[200];
	struct err err;
	bool again = !c->answered && c->tries < TRIES_MAX;
	if (again && !c->started) { /* it had ended before */
		return start(c);
	}
	if (again && end->status == STATUS_OTHER) {
		return attach(c);
	}
	if (c->started && end->status == STATUS_NO_PROGRAM) {
		missing(&err, "there is no python3", c);
	} else if (c->started && end->status == STATUS_MISSING) {
		missing(&err, "Python has no Jupyter kernel", c);
	} else {
		err_set(&err, ERR_HOST,
			"the code runner ended (%s %lld), and the state of all contexts is gone. Its "
			"last output: %s",
			end->status < 0 ? "signal" : "exit status",
			(long long)(end->status < 0 ? end->signal : end->status),
			last_words(c, words, sizeof(words)));
	}
	finish(c, NULL, &err);
}

static void on_end(
	struct conversation *conversation, const void *answer, const struct err *err, void *data)
{
	struct code *c = data;
	(void)conversation;
	c->conversation = NULL;
	if (!err) {
		runner_ended(c, answer);
	} else if (err->kind == ERR_NOT_FOUND && !c->started) {
		start(c);
	} else {
		finish(c, NULL, err);
	}
}

static void converse(struct code *c, const struct message *message, const void *args)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_end = on_end,
	};
	const struct conversation_how how = {
		.message = message, .args = args, .is_command = true
	};
	c->tries++;
	c->pid = 0;
	c->words.len = 0;
	code_lines_done(&c->lines);
	c->lines.id = c->id;
	c->started = message == &message_exec;
	c->conversation = conversation_open(c->guest, &how, &handlers, c);
}

static void start(struct code *c)
{
	json_auto_t *environment = must(json_pack("{s:s}", SCRIPT_VARIABLE, code_script));
	const struct msg_exec args = {
		.command = COMMAND,
		.tag = TAG,
		.environment = environment,
		.input = true,
		.background = true,
	};
	converse(c, &message_exec, &args);
}

static void attach(struct code *c)
{
	converse(c, &message_attach, &(const struct msg_attach){ .tag = TAG });
}

/* ---- requests ---- */

struct code *code_open(struct guest *guest, const struct code_request *request,
	const struct code_handlers *handlers, void *data, struct err *err)
{
	struct code *c = must(calloc(1, sizeof(*c)));
	c->guest = guest;
	c->handlers = handlers;
	c->data = data;
	c->is_run = request->op == CODE_RUN;
	id_make(c->id);
	c->request = code_request_encode(request, c->id);
	if (strlen(c->request) > PROCESS_INPUT_MAX) {
		err_set(err, ERR_LIMIT,
			"the code is too long: %zu bytes as JSON, and at most %u are possible. Write "
			"it to a file and run that",
			strlen(c->request), PROCESS_INPUT_MAX);
		code_free(c);
		return NULL;
	}
	attach(c);
	return c;
}

void code_cancel(struct code *c)
{
	c->cancelled = true;
	if (c->pid) {
		say_cancel(c);
	}
}

void code_close(struct code *c)
{
	if (c && !c->over) {
		if (c->pid) {
			say_cancel(c);
		}
		code_free(c);
	}
}

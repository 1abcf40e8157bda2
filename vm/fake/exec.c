/*
 * The fake agent's `exec`: a shell with a few commands, see the table.
 * Any other command is not found (status 127).  "cat" writes its input until this ends.  Of a program
 * with arguments, the last one is the command.
 */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FLOOD_MAX 50000000

struct fake_exec {
	struct buf output[2]; /* by channel */
	json_int_t status, signal;
	bool timed_out, ended;
	bool reads;  /* it is "cat" */
	size_t owed; /* bytes read and not yet written */
};

static bool write_outputs(struct fake_request *req)
{
	struct fake_exec *exec = req->exec;
	for (unsigned i = 0; i < 2; i++) {
		struct buf *out = &exec->output[i];
		buf_consume(out, link_write(req->fake->link, req->id, i, out->data, out->len));
		if (out->len) {
			return false;
		}
	}
	link_consumed(req->fake->link, req->id, exec->owed);
	exec->owed = 0;
	return true;
}

static void reply_when_written(struct fake_request *req)
{
	const struct fake_exec *exec = req->exec;
	if (!write_outputs(req) || !exec->ended) {
		return;
	}
	const struct msg_exec_answer answer = {
		.status = exec->signal ? -1 : exec->status,
		.signal = exec->signal,
		.timed_out = exec->timed_out,
		.ms = fake_ms(req),
	};
	fake_answer(req, &message_exec, &answer);
}

static void on_input(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct fake_request *req = data;
	(void)link, (void)id, (void)channel;
	if (req->exec->reads) { /* otherwise no program consumes the input */
		req->exec->owed += len;
		buf_append(&req->exec->output[EXEC_STDOUT], bytes, len);
		reply_when_written(req);
	}
}

static void on_input_end(struct link *link, uint32_t id, void *data)
{
	struct fake_request *req = data;
	(void)link, (void)id;
	req->exec->ended |= req->exec->reads;
	reply_when_written(req);
}

static void on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct fake_request *req = data;
	auto_free void *args = NULL;
	struct err err;
	link_consumed(link, id, cost);
	if (!message_speech_decode(&message_exec.talk->host, msg, &args, &err)) {
		return fake_fail(req, &err);
	}
	req->exec->signal = ((const struct msg_signal *)args)->signal;
	req->exec->ended = true;
	reply_when_written(req);
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	reply_when_written(data);
}

static const struct link_talk talk = { on_input, on_message, on_writable, on_input_end };

static int on_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	(void)source;
	(void)usec;
	req->exec->ended = true;
	reply_when_written(req);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	req->exec->signal = SIGKILL;
	req->exec->timed_out = true;
	return on_over(source, usec, data);
}

/* ---- the commands: each ends immediately, unless it clears `ended` ---- */

static struct buf *stdout_of(struct fake_request *req)
{
	return &req->exec->output[EXEC_STDOUT];
}

static void cat_typed(struct fake_request *req, const char *rest)
{
	const struct buf *typed = &req->fake->desktop.typed;
	(void)rest;
	buf_append(stdout_of(req), typed->data, typed->len);
}

static void cat_events(struct fake_request *req, const char *rest)
{
	const struct buf *events = &req->fake->desktop.events;
	(void)rest;
	buf_append(stdout_of(req), events->data, events->len);
}

static void cat_heard(struct fake_request *req, const char *rest)
{
	const struct buf *heard = &req->fake->desktop.heard;
	(void)rest;
	buf_append(stdout_of(req), heard->data, heard->len);
}

static void listen_on(struct fake_request *req, const char *rest)
{
	fake_listen(&req->fake->desktop, rest);
}

static void cat(struct fake_request *req, const char *rest)
{
	(void)rest;
	req->exec->reads = ((const struct msg_exec *)req->args)->input;
	req->exec->ended = !req->exec->reads;
}

static void cat_machine_id(struct fake_request *req, const char *rest)
{
	(void)rest;
	buf_printf(stdout_of(req), "%s\n", req->fake->machine_id);
}

static void cat_mac(struct fake_request *req, const char *rest)
{
	(void)rest;
	buf_printf(stdout_of(req), "%s\n", req->fake->mac);
}

static void hostname(struct fake_request *req, const char *rest)
{
	(void)rest;
	buf_printf(stdout_of(req), "%s\n", req->fake->hostname);
}

static void set_fault(struct fake_request *req, const char *rest)
{
	snprintf(req->fake->fault, sizeof(req->fake->fault), "%s", rest);
}

static void tone(struct fake_request *req, const char *rest)
{
	req->fake->desktop.tone_hz = strtol(rest, NULL, 10);
}

/* As xrandr does, of any size. */
static void resize(struct fake_request *req, const char *rest)
{
	struct size size = { 0 };
	if (sscanf(rest, "%5dx%5d", &size.width, &size.height) == 2 && size.width > 0 &&
		size.height > 0) {
		fake_resize(req->fake, size, req->fake->desktop.scale);
	}
}

static void echo(struct fake_request *req, const char *rest)
{
	buf_printf(stdout_of(req), "%s\n", rest);
}

static void warn(struct fake_request *req, const char *rest)
{
	buf_printf(&req->exec->output[EXEC_STDERR], "%s\n", rest);
}

static void copy(struct fake_request *req, const char *rest)
{
	fake_clipboard_put(&req->fake->desktop, CLIPBOARD_TEXT, rest, strlen(rest), false);
}

static void copy_secret(struct fake_request *req, const char *rest)
{
	fake_clipboard_put(&req->fake->desktop, CLIPBOARD_TEXT, rest, strlen(rest), true);
}

static void flood(struct fake_request *req, const char *rest)
{
	long n = strtol(rest, NULL, 10);
	for (long i = 0; i < n && i < FLOOD_MAX; i++) {
		buf_append(stdout_of(req), &(char){ (char)('a' + i % 26) }, 1);
	}
}

static void exit_with(struct fake_request *req, const char *rest)
{
	req->exec->status = strtol(rest, NULL, 10) & 255;
}

static void succeed(struct fake_request *req, const char *rest)
{
	(void)rest;
	req->exec->status = 0;
}

static void fail(struct fake_request *req, const char *rest)
{
	(void)rest;
	req->exec->status = 1;
}

static void die(struct fake_request *req, const char *rest)
{
	(void)rest;
	req->exec->signal = SIGTERM;
}

static void sleep_for(struct fake_request *req, const char *rest)
{
	int64_t timeout_ms = ((const struct msg_exec *)req->args)->timeout_ms;
	int64_t ms = (int64_t)(strtod(rest, NULL) * 1000);
	bool late = timeout_ms > 0 && ms > timeout_ms;
	req->exec->ended = false;
	fake_after(req, late ? timeout_ms : ms, late ? on_timeout : on_over);
}

static const struct command {
	const char *name; /* a space at its end: a text follows */
	void (*run)(struct fake_request *req, const char *rest);
} commands[] = {
	{ "cat", cat },
	{ "cat events", cat_events },
	{ "cat heard", cat_heard },
	{ "cat mac", cat_mac },
	{ "cat machine-id", cat_machine_id },
	{ "cat typed", cat_typed },
	{ "copy ", copy },
	{ "copy-secret ", copy_secret },
	{ "echo ", echo },
	{ "exit ", exit_with },
	{ "false", fail },
	{ "flood ", flood },
	{ "hostname", hostname },
	{ "kill", die },
	{ "listen ", listen_on },
	{ "set ", set_fault },
	{ "sleep ", sleep_for },
	{ "tone ", tone },
	{ "true", succeed },
	{ "warn ", warn },
	{ "xrandr ", resize },
};

static bool is_command(const struct command *c, const char *text)
{
	size_t len = strlen(c->name);
	return c->name[len - 1] == ' ' ? strncmp(text, c->name, len) == 0
				       : strcmp(text, c->name) == 0;
}

static void interpret(struct fake_request *req, const char *text)
{
	req->exec->ended = true;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (is_command(&commands[i], text)) {
			commands[i].run(req, text + strlen(commands[i].name));
			return;
		}
	}
	size_t word = strcspn(text, " ");
	req->exec->status = 127;
	buf_printf(&req->exec->output[EXEC_STDERR], "sh: %.*s: not found\n",
		(int)(word < 200 ? word : 200), text);
}

static void exec_done(struct fake_request *req)
{
	for (size_t i = 0; i < 2; i++) {
		buf_done(&req->exec->output[i]);
	}
	free(req->exec);
}

/* Of a program with arguments, the last of them: "bash -c COMMAND". */
static char *command_of(const struct fake_request *req)
{
	const struct msg_exec *args = req->args;
	const char *tail = (const char *)req->msg->tail;
	size_t len = req->msg->tail_len;
	if (args->command) {
		return must(strdup(args->command));
	}
	if (args->arguments && len && !tail[len - 1]) {
		const char *before = len > 1 ? memrchr(tail, '\0', len - 1) : NULL;
		tail = before ? before + 1 : tail;
		len = (size_t)((const char *)req->msg->tail + len - 1 - tail);
	}
	return must(strndup(tail, len));
}

bool fake_exec(struct fake_request *req, struct err *err)
{
	const struct msg_exec *args = req->args;
	req->exec = must(calloc(1, sizeof(*req->exec)));
	req->done = exec_done;
	if (args->cwd && args->cwd[0] != '/') {
		return err_set(
			err, ERR_ARGUMENT, "cwd must be an absolute path; got '%.200s'", args->cwd);
	}
	if (!link_accept(req->fake->link, req->id, &talk, req, err)) {
		return false;
	}
	link_send_message(req->fake->link, req->id,
		message_speech_encode(&message_started, &(struct msg_started){ 1 }), NULL, 0);
	auto_free char *command = command_of(req);
	interpret(req, command);
	reply_when_written(req);
	return true;
}

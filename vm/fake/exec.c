/*
 * The fake agent's `exec`: a shell with a few commands.
 *   echo TEXT | copy TEXT | copy-secret TEXT | cat typed | cat events | flood BYTES
 * | sleep SECONDS | true | false | exit N | kill | warn TEXT | hostname | cat machine-id | cat mac | set FAULT | cat
 * Any other command is not found (status 127).  "cat" writes its input until this ends.
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
	if (!message_hear(&message_exec.talk->host, msg, &args, &err)) {
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

static void flood(struct buf *to, const char *text)
{
	long n = strtol(text, NULL, 10);
	for (long i = 0; i < n && i < FLOOD_MAX; i++) {
		buf_append(to, &(char){ (char)('a' + i % 26) }, 1);
	}
}

/* True: it ended immediately; otherwise a timer was set. */
static bool interpret(struct fake_request *req, const char *command, int64_t timeout_ms)
{
	struct fake_exec *exec = req->exec;
	struct fake_desktop *desktop = &req->fake->desktop;
	size_t word = strcspn(command, " ");
	const char *rest = command + word + (command[word] == ' ');
	if (strcmp(command, "cat typed") == 0) {
		buf_append(&exec->output[0], desktop->typed.data, desktop->typed.len);
	} else if (strcmp(command, "cat events") == 0) {
		buf_append(&exec->output[0], desktop->events.data, desktop->events.len);
	} else if (strcmp(command, "cat") == 0) {
		exec->reads = ((const struct msg_exec *)req->args)->input;
		return !exec->reads;
	} else if (strcmp(command, "hostname") == 0) {
		buf_printf(&exec->output[0], "%s\n", req->fake->hostname);
	} else if (strcmp(command, "cat machine-id") == 0) {
		buf_printf(&exec->output[0], "%s\n", req->fake->machine_id);
	} else if (strcmp(command, "cat mac") == 0) {
		buf_printf(&exec->output[0], "%s\n", req->fake->mac);
	} else if (strncmp(command, "set ", 4) == 0) {
		snprintf(req->fake->fault, sizeof(req->fake->fault), "%s", rest);
	} else if (strncmp(command, "echo ", 5) == 0) {
		buf_printf(&exec->output[0], "%s\n", rest);
	} else if (strncmp(command, "copy ", 5) == 0 || strncmp(command, "copy-secret ", 12) == 0) {
		fake_clipboard_put(desktop, CLIPBOARD_TEXT, rest, strlen(rest), command[4] == '-');
	} else if (strncmp(command, "warn ", 5) == 0) {
		buf_printf(&exec->output[1], "%s\n", rest);
	} else if (strncmp(command, "flood ", 6) == 0) {
		flood(&exec->output[0], rest);
	} else if (strncmp(command, "exit ", 5) == 0) {
		exec->status = strtol(rest, NULL, 10) & 255;
	} else if (strcmp(command, "true") == 0 || strcmp(command, "false") == 0) {
		exec->status = command[0] == 'f';
	} else if (strcmp(command, "kill") == 0) {
		exec->signal = SIGTERM;
	} else if (strncmp(command, "sleep ", 6) == 0) {
		int64_t ms = (int64_t)(strtod(rest, NULL) * 1000);
		bool late = timeout_ms > 0 && ms > timeout_ms;
		fake_after(req, late ? timeout_ms : ms, late ? on_timeout : on_over);
		return false;
	} else {
		exec->status = 127;
		buf_printf(&exec->output[1], "sh: %.*s: not found\n",
			(int)(word < 200 ? word : 200), command);
	}
	return true;
}

static void exec_done(struct fake_request *req)
{
	for (size_t i = 0; i < 2; i++) {
		buf_done(&req->exec->output[i]);
	}
	free(req->exec);
}

bool fake_exec(struct fake_request *req, struct err *err)
{
	const struct msg_exec *args = req->args;
	struct fake_exec *exec = req->exec = must(calloc(1, sizeof(*exec)));
	req->done = exec_done;
	if (args->cwd && args->cwd[0] != '/') {
		return err_set(
			err, ERR_ARGUMENT, "cwd must be an absolute path; got '%.200s'", args->cwd);
	}
	if (!link_accept(req->fake->link, req->id, &talk, req, err)) {
		return false;
	}
	if (args->announce) {
		link_say(req->fake->link, req->id,
			message_say(&message_started, &(struct msg_started){ 1 }), NULL, 0);
	}
	const struct link_msg *msg = req->msg;
	auto_free char *command =
		must(args->command ? strdup(args->command)
				   : strndup((const char *)msg->tail, msg->tail_len));
	exec->ended = interpret(req, command, args->timeout_ms);
	reply_when_written(req);
	return true;
}

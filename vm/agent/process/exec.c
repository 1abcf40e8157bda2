/*
 * Runs one command in a login shell.  Its outputs are read no faster than the host takes them: when
 * the host stops, the pipes are not read, and the command blocks as with a slow terminal.  The host
 * receives credit for input when the command has read it.  When the shell has ended, the contents of
 * its pipes at that moment are sent, however long the host takes; after a timeout, DRAIN_MS at most.
 * A child in the background keeps its pipe, which is then drained and its data dropped.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/input_feed.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/process/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#define DRAIN_MS 5000 /* time for the host to take the rest of a command that timed out */

struct exec;

struct output {
	struct exec *exec;
	unsigned channel;
	int fd; /* -1: complete */
	sd_event_source *source;
	size_t left; /* bytes still to read after the end of the shell */
	uint8_t held[16384];
	size_t from, to; /* read, but not yet taken by the host */
};

struct exec {
	struct request *req;
	struct agent *agent;
	struct task task;
	sd_event_source *child, *timer;
	struct output output[2];
	struct input_feed *input; /* NULL: it has none */
	uint64_t started_us;
	bool ended, timed_out;
	siginfo_t end;
};

/* ---- the end ---- */

static struct msg_exec_answer describe(const struct exec *x)
{
	bool exited = x->end.si_code == CLD_EXITED;
	return (struct msg_exec_answer){
		.status = exited ? x->end.si_status : -1,
		.signal = exited ? 0 : x->end.si_status,
		.timed_out = x->timed_out,
		.ms = (int64_t)(loop_now_us() - x->started_us) / 1000,
	};
}

static void close_output(struct output *out)
{
	loop_drop(&out->source);
	if (out->fd >= 0) {
		output_drain_release(output_drain_new(out->exec->agent->event, take_fd(&out->fd)));
	}
}

static void exec_free(struct exec *x)
{
	close_output(&x->output[0]);
	close_output(&x->output[1]);
	if (x->input) {
		input_feed_free(x->input);
	}
	loop_drop(&x->child);
	loop_drop(&x->timer);
	free(x);
}

static void finish(struct exec *x)
{
	struct request *req = x->req;
	struct msg_exec_answer answer = describe(x);
	exec_free(x);
	request_answer(req, &answer);
}

static void finish_when_drained(struct exec *x)
{
	if (x->ended && x->output[0].fd < 0 && x->output[1].fd < 0) {
		finish(x);
	}
}

/* ---- output ---- */

/* True if the host has taken everything that was read. */
static bool hand_on(struct output *out)
{
	if (out->from < out->to) {
		out->from += request_write(
			out->exec->req, out->channel, out->held + out->from, out->to - out->from);
	}
	return out->from == out->to;
}

/* True if something was read; false if the pipe is empty or closed. */
static bool fill(struct output *out)
{
	struct exec *x = out->exec;
	size_t want = sizeof(out->held);
	want = x->ended && out->left < want ? out->left : want;
	ssize_t n = want ? read(out->fd, out->held, want) : 0;
	if (n > 0) {
		out->from = 0;
		out->to = (size_t)n;
		out->left -= x->ended ? (size_t)n : 0;
		return true;
	}
	if (n == 0 || x->ended || (errno != EAGAIN && errno != EINTR)) {
		close_output(out);
	}
	return false;
}

/* While the command runs, one buffer per iteration of the loop, so that a command with much output
 * cannot block it; after its end, everything. */
static void pump(struct output *out)
{
	bool more = out->fd >= 0;
	while (more && hand_on(out)) {
		more = fill(out);
		if (more && !out->exec->ended) {
			more = hand_on(out);
			break;
		}
	}
	if (out->source) {
		loop_enable(out->source, out->from == out->to);
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	struct output *out = data;
	pump(out);
	finish_when_drained(out->exec);
	return 0;
}

/* ---- from the host ---- */

static void on_writable(void *data)
{
	struct exec *x = data;
	pump(&x->output[0]);
	pump(&x->output[1]);
	finish_when_drained(x);
}

static void on_input(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct exec *x = data;
	(void)channel;
	if (x->input) {
		input_feed_push(x->input, bytes, len);
	} else {
		request_consumed(x->req, len);
	}
}

static void on_input_end(void *data)
{
	struct exec *x = data;
	if (x->input) {
		input_feed_end(x->input);
	}
}

static void on_input_taken(size_t len, void *data)
{
	request_consumed(((struct exec *)data)->req, len);
}

static void on_message(const struct message *message, const void *args, void *data)
{
	const struct msg_signal *signal = args;
	struct exec *x = data;
	if (message == &message_signal && !x->ended) { /* so its pid was not reused */
		kill(-x->task.pid, (int)signal->signal);
	}
}

static const struct request_talk talk = {
	.data = on_input,
	.message = on_message,
	.writable = on_writable,
	.ended = on_input_end,
};

/* ---- timeout and end of the command ---- */

static int on_drain_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	finish(data);
	return 0;
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct exec *x = data;
	x->ended = true;
	x->end = *info;
	loop_drop(&x->timer);
	x->timer = x->timed_out ? loop_after_ms(x->agent->event, DRAIN_MS, on_drain_late, x) : NULL;
	for (int i = 0; i < 2; i++) {
		int left = 0;
		if (x->output[i].fd >= 0 && ioctl(x->output[i].fd, FIONREAD, &left) == 0 &&
			left > 0) {
			x->output[i].left = (size_t)left;
		}
		pump(&x->output[i]);
	}
	finish_when_drained(x);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct exec *x = data;
	x->timed_out = true;
	task_kill(&x->task); /* on_end() follows */
	return 0;
}

static void on_cancel(void *data)
{
	struct exec *x = data;
	struct request *req = x->req;
	struct err err;
	task_kill(&x->task);
	loop_drop(&x->child);
	task_reap(&x->task, x->agent->event);
	exec_free(x);
	err_set(&err, ERR_CANCELLED, "the command was killed with its children");
	request_fail(req, &err);
}

/* ---- start ---- */

static bool open_output(struct output *out, int *ret_theirs, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	out->fd = ends[0];
	*ret_theirs = ends[1];
	fcntl(out->fd, F_SETFL, O_NONBLOCK);
	out->source = loop_add_io(out->exec->agent->event, out->fd, EPOLLIN, on_readable, out);
	return true;
}

static bool open_input(struct exec *x, int *ret_theirs, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	*ret_theirs = ends[0];
	x->input = input_feed_new(x->agent->event, ends[1], on_input_taken, x);
	return true;
}

/* The kernel accepts 128 KiB as one argument, so the shell reads a longer command, the tail of the
 * request, from a descriptor.  It closes the descriptor before it runs the command. */
#define RUN_SCRIPT "eval \"$(cat <&" TASK_SCRIPT_FD_TEXT ")\" " TASK_SCRIPT_FD_TEXT "<&-"

static int keep_command(const struct request *req, struct err *err)
{
	size_t len;
	const char *bytes = request_tail(req, &len);
	if (!len || memchr(bytes, '\0', len)) {
		err_set(err, ERR_ARGUMENT,
			"'command' must be a string, or the tail of the request, without NUL");
		return -1;
	}
	char path[] = "/tmp/.command-XXXXXX"; /* memfd_create() is not permitted everywhere */
	auto_close int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || unlink(path) < 0 || write(fd, bytes, len) != (ssize_t)len ||
		lseek(fd, 0, SEEK_SET) < 0) {
		err_errno(err, "cannot store the command");
		return -1;
	}
	return take_fd(&fd);
}

static bool start(struct exec *x, const struct msg_exec *args, struct err *err)
{
	auto_close int in = -1, out = -1, errors = -1;
	bool bash = access("/bin/bash", X_OK) == 0;
	auto_close int script = -1;
	const char *command = args->command;
	if (!command && (script = keep_command(x->req, err)) < 0) {
		return false;
	}
	const char *argv[] = { bash ? "/bin/bash" : "/bin/sh", "-l", "-c",
		command ? command : RUN_SCRIPT, NULL };
	if (!open_output(&x->output[EXEC_STDOUT], &out, err) ||
		!open_output(&x->output[EXEC_STDERR], &errors, err) ||
		(args->input && !open_input(x, &in, err))) {
		return false;
	}
	struct task_how how = { .argv = argv,
		.cwd = args->cwd,
		.in = in,
		.out = out,
		.err = errors,
		.script = script };
	return task_start(&how, &x->task, err);
}

static void run(struct request *req, const void *data)
{
	const struct msg_exec *args = data;
	struct err err;
	struct exec *x = must(calloc(1, sizeof(*x)));
	x->req = req;
	x->agent = request_agent(req);
	x->started_us = loop_now_us();
	for (unsigned i = 0; i < 2; i++) {
		x->output[i].exec = x;
		x->output[i].channel = i;
		x->output[i].fd = -1;
	}
	if (!request_converse(req, &talk, x, &err) || !start(x, args, &err)) {
		exec_free(x);
		return request_fail(req, &err);
	}
	if (args->announce) {
		request_send(req, &message_started, &(struct msg_started){ x->task.pid });
	}
	sd_event_add_child(x->agent->event, &x->child, x->task.pid, WEXITED, on_end, x);
	x->timer = loop_after_ms(x->agent->event, (uint64_t)args->timeout_ms, on_timeout, x);
	request_on_cancel(req, on_cancel, x);
}

const struct op op_exec = {
	.message = &message_exec,
	.run = run,
};

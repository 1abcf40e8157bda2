/*
 * Runs one command in a login shell.  Its output goes into two streams as fast as the host takes it
 * and no faster: while a stream takes nothing, its pipe is not read, and the command waits as it
 * would for a slow terminal.  When the shell has ended, what its pipes hold at that moment is sent
 * and no more is waited for; a child left in the background keeps its pipe, which is then emptied
 * for nobody.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/process/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#define DRAIN_MS 5000 /* for the host to take the rest, once the command has ended */

struct exec;

struct output {
	struct exec *exec;
	struct link_stream *stream; /* NULL: the host does not want it */
	int fd;                     /* -1: complete */
	sd_event_source *source;
	size_t left; /* bytes still to read, once the shell has ended */
	uint8_t held[16384];
	size_t from, to; /* what was read but not taken */
};

struct exec {
	struct request *req;
	struct agent *agent;
	struct task task;
	sd_event_source *child, *timer;
	struct output output[2];
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
	if (out->stream) {
		link_stream_end(out->stream);
		link_stream_free(take_ptr(&out->stream));
	}
	if (out->fd >= 0) {
		output_drain_release(output_drain_new(out->exec->agent->event, take_fd(&out->fd)));
	}
}

static void exec_free(struct exec *x)
{
	close_output(&x->output[0]);
	close_output(&x->output[1]);
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

/* True when nothing read is left over. */
static bool hand_on(struct output *out)
{
	size_t len = out->to - out->from;
	if (len && out->stream) {
		out->from += link_stream_write(out->stream, out->held + out->from, len);
	} else {
		out->from = out->to;
	}
	return out->from == out->to;
}

/* True when there is more to hand on; false when the pipe is empty for now or for good. */
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

/* One buffer a turn while the command runs, so that a talkative one cannot hold the loop; all of it
 * at the end. */
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

static void on_writable(struct link_stream *stream, void *data)
{
	(void)stream;
	struct output *out = data;
	pump(out);
	finish_when_drained(out->exec);
}

static void on_reset(struct link_stream *stream, void *data)
{
	struct output *out = data;
	out->stream = NULL;
	on_writable(stream, out);
}

static const struct link_stream_handlers stream_handlers = {
	.writable = on_writable,
	.reset = on_reset,
};

/* ---- events in its life ---- */

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
	x->timer = loop_after_ms(x->agent->event, DRAIN_MS, on_drain_late, x);
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
	task_kill(&x->task); /* its end is noticed as any other */
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
	err_set(&err, ERR_CANCELLED, "the command was killed, with its children");
	request_fail(req, &err);
}

/* ---- the beginning ---- */

static bool open_output(struct exec *x, int i, int64_t number, int *ret_theirs, struct err *err)
{
	struct output *out = &x->output[i];
	int ends[2];
	out->stream =
		link_stream_accept(x->agent->link, (uint32_t)number, &stream_handlers, out, err);
	if (!out->stream) {
		return false;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot make a pipe");
	}
	out->fd = ends[0];
	*ret_theirs = ends[1];
	fcntl(out->fd, F_SETFL, O_NONBLOCK);
	out->source = loop_add_io(x->agent->event, out->fd, EPOLLIN, on_readable, out);
	return true;
}

/* The kernel takes 128 KiB as one argument, so the shell reads what is longer, which came as the tail.
 * The descriptor is closed again before the command runs. */
#define RUN_SCRIPT "eval \"$(cat <&" TASK_SCRIPT_FD_TEXT ")\" " TASK_SCRIPT_FD_TEXT "<&-"

static int keep_command(const struct request *req, struct err *err)
{
	size_t len;
	const char *bytes = request_tail(req, &len);
	if (!len || memchr(bytes, '\0', len)) {
		err_set(err, ERR_ARGUMENT,
			"'command' must be a string, or the bytes behind the request, without NUL");
		return -1;
	}
	char path[] = "/tmp/.command-XXXXXX"; /* memory files are not allowed everywhere */
	auto_close int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || unlink(path) < 0 || write(fd, bytes, len) != (ssize_t)len ||
		lseek(fd, 0, SEEK_SET) < 0) {
		err_errno(err, "cannot keep the command");
		return -1;
	}
	return take_fd(&fd);
}

static bool start(struct exec *x, const struct msg_exec *args, struct err *err)
{
	auto_close int out = -1, errors = -1;
	bool bash = access("/bin/bash", X_OK) == 0;
	auto_close int script = -1;
	const char *command = args->command;
	if (!command && (script = keep_command(x->req, err)) < 0) {
		return false;
	}
	const char *argv[] = { bash ? "/bin/bash" : "/bin/sh", "-l", "-c",
		command ? command : RUN_SCRIPT, NULL };
	if (!open_output(x, 0, args->output[0], &out, err) ||
		!open_output(x, 1, args->output[1], &errors, err)) {
		return false;
	}
	struct task_how how = {
		.argv = argv, .cwd = args->cwd, .out = out, .err = errors, .script = script
	};
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
	for (int i = 0; i < 2; i++) {
		x->output[i].exec = x;
		x->output[i].fd = -1;
	}
	if (!start(x, args, &err)) {
		exec_free(x);
		return request_fail(req, &err);
	}
	sd_event_add_child(x->agent->event, &x->child, x->task.pid, WEXITED, on_end, x);
	x->timer = loop_after_ms(x->agent->event, (uint64_t)args->timeout_ms, on_timeout, x);
	request_on_cancel(req, on_cancel, x);
}

const struct op op_exec = {
	.message = &message_exec,
	.run = run,
};

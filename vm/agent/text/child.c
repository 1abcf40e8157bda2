/* It is over when its output has ended and it has exited. */
#include "vm/agent/text/child.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "base/spawn.h"
#include "vm/agent/process/input_feed.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/process/task.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NICENESS 10
#define PIECE 65536
#define SAID_MAX 200

struct child {
	sd_event *event;
	const char *name; /* argv[0], a constant */
	struct task task;
	struct input_feed *input;
	struct output_drain *errors;
	int out;
	sd_event_source *reading, *end, *deadline;
	struct buf output;
	size_t output_max;
	bool exited;
	siginfo_t status;
	child_fn *fn;
	void *data;
};

/* ---- the end ---- */

static void release(struct child *c)
{
	loop_drop(&c->reading);
	loop_drop(&c->end);
	loop_drop(&c->deadline);
	input_feed_free(c->input);
	output_drain_release(c->errors);
	if (c->out >= 0) {
		close(c->out);
	}
	buf_done(&c->output);
	free(c);
}

void child_free(struct child *c)
{
	if (!c) {
		return;
	}
	if (c->task.pid > 0 && !c->exited) {
		task_kill(&c->task);
		task_reap(&c->task, c->event);
	}
	release(c);
}

static void fail(struct child *c, const struct err *err)
{
	child_fn *fn = c->fn;
	void *data = c->data;
	child_free(c);
	fn(NULL, 0, err, data);
}

static void fail_with_status(struct child *c)
{
	auto_free char *said = output_drain_text(c->errors);
	auto_buf struct buf plain = { 0 };
	struct err err;
	const char *last = strrchr(said, '\n');
	plain_append(&plain, last ? last + 1 : said, SAID_MAX);
	err_set(&err, ERR_HOST, "%s %s%s%s", c->name, spawn_describe_end(spawn_wstatus(&c->status)),
		plain.len ? ": " : "", buf_text(&plain));
	fail(c, &err);
}

static void finish_if_over(struct child *c)
{
	if (!c->exited || c->out >= 0) {
		return;
	}
	if (c->status.si_code != CLD_EXITED || c->status.si_status != 0) {
		fail_with_status(c);
		return;
	}
	c->fn(buf_text(&c->output), c->output.len, NULL, c->data);
	release(c);
}

/* ---- events ---- */

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct child *c = data;
	(void)source;
	c->exited = true;
	c->status = *info;
	finish_if_over(c);
	return 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct child *c = data;
	struct err err;
	(void)source, (void)events;
	buf_reserve(&c->output, PIECE);
	ssize_t n = read(fd, c->output.data + c->output.len, PIECE);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	if (n <= 0) {
		loop_drop(&c->reading);
		close(take_fd(&c->out));
		finish_if_over(c);
		return 0;
	}
	c->output.len += (size_t)n;
	if (c->output.len > c->output_max) {
		err_set(&err, ERR_LIMIT, "%s printed more than %zu bytes", c->name, c->output_max);
		fail(c, &err);
	}
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct child *c = data;
	struct err err;
	(void)source, (void)usec;
	err_set(&err, ERR_TIMEOUT, "%s took too long", c->name);
	fail(c, &err);
	return 0;
}

static void on_taken(size_t len, void *data)
{
	(void)len, (void)data;
}

/* ---- start ---- */

static bool start(struct child *c, const struct child_how *how, struct err *err)
{
	int in[2], out[2], errors;
	if (pipe2(out, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	c->out = out[0];
	auto_close int their_out = out[1];
	if (pipe2(in, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	auto_close int their_in = in[0];
	c->input = input_feed_new(c->event, in[1], on_taken, c);
	if (!(c->errors = output_drain_open(c->event, &errors))) {
		return err_errno(err, "cannot create a pipe");
	}
	auto_close int their_errors = errors;
	const struct task_how task = { .argv = how->argv,
		.in = their_in,
		.out = their_out,
		.err = their_errors,
		.more = how->more,
		.n_more = how->n_more };
	if (!task_start(&task, &c->task, err)) {
		return false;
	}
	(void)setpriority(PRIO_PROCESS, (id_t)c->task.pid, NICENESS);
	return true;
}

struct child *child_new(
	sd_event *event, const struct child_how *how, child_fn *fn, void *data, struct err *err)
{
	struct child *c = must(calloc(1, sizeof(*c)));
	*c = (struct child){ .event = event,
		.name = how->argv[0],
		.out = -1,
		.output_max = how->output_max,
		.fn = fn,
		.data = data };
	if (!start(c, how, err)) {
		child_free(c);
		return NULL;
	}
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	c->reading = loop_add_io(event, c->out, EPOLLIN, on_output, c);
	sd_event_add_child(event, &c->end, c->task.pid, WEXITED, on_end, c);
	c->deadline = loop_after_ms(event, (uint64_t)how->timeout_ms, on_deadline, c);
	input_feed_push(c->input, how->input, how->len);
	input_feed_end(c->input);
	return c;
}

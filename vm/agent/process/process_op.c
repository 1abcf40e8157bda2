/* Operations on the processes of `exec`: list, read, write, signal, resize, look. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/output_log.h"
#include "vm/agent/process/process.h"
#include "vm/agent/process/terminal.h"

/* The process that a request names; NULL: the request has failed. */
static struct process *find(struct request *req, int64_t pid, const char *tag)
{
	struct err err;
	struct process *p = process_find(request_agent(req), pid, tag, &err);
	if (!p) {
		request_fail(req, &err);
	}
	return p;
}

static void finish(struct request *req, bool good, const struct err *err)
{
	if (good) {
		request_answer(req, NULL);
	} else {
		request_fail(req, err);
	}
}

/* ---- list ---- */

#define LIST_BYTES (768u << 10) /* of the answer, which may have 1 MiB */

static void processes(struct request *req, const void *data)
{
	static const struct message_part row = { .fields = msg_process_row_fields };
	json_auto_t *list = json_array();
	struct process *p;
	size_t bytes = 0;
	(void)data;
	for (p = process_next(request_agent(req), NULL); p && bytes < LIST_BYTES;
		p = process_next(request_agent(req), p)) {
		struct msg_process_row described;
		process_describe(p, &described);
		json_t *encoded = must(message_encode(&row, &described));
		bytes += json_dumpb(encoded, NULL, 0, JSON_COMPACT);
		json_array_append_new(list, encoded);
	}
	request_answer(req, &(struct msg_processes_answer){ list });
}

const struct op op_processes = {
	.message = &message_processes,
	.run = processes,
};

/* ---- output ---- */

struct waiter {
	struct process_reader reader; /* first */
	struct request *req;
	const struct msg_process_output *args;
	sd_event_source *timer;
};

static void waiter_free(struct waiter *w)
{
	process_read_end(&w->reader);
	loop_drop(&w->timer);
	free(w);
}

static int64_t add_output(
	const struct process *p, unsigned channel, int64_t offset, size_t max, struct buf *to)
{
	return offset < 0 ? 0 : output_log_read(process_log(p, channel), offset, max, to);
}

static void answer_output(
	struct request *req, const struct process *p, const struct msg_process_output *args)
{
	auto_buf struct buf bytes = { 0 };
	struct msg_exec_answer end = process_end(p);
	size_t max = (size_t)args->max;
	int64_t out = add_output(p, EXEC_STDOUT, args->out, max, &bytes);
	size_t n = bytes.len;
	int64_t errors = add_output(p, EXEC_STDERR, args->err, max - n, &bytes);
	const struct msg_process_output_answer answer = {
		.pid = process_pid(p),
		.out = out,
		.err = errors,
		.out_bytes = (int64_t)n,
		.err_bytes = (int64_t)(bytes.len - n),
		.out_total = process_log(p, EXEC_STDOUT)->total,
		.err_total = process_log(p, EXEC_STDERR)->total,
		.running = !process_is_over(p),
		.status = end.status,
		.signal = end.signal,
		.timed_out = end.timed_out,
		.ms = end.ms,
	};
	request_reply(req, must(message_encode(&message_process_output.answer, &answer)),
		bytes.data, bytes.len);
}

static bool has_more(const struct process *p, unsigned channel, int64_t offset)
{
	return offset >= 0 && process_log(p, channel)->total > offset;
}

static bool is_enough(const struct process *p, const struct msg_process_output *args)
{
	return process_is_over(p) || (!args->end && (has_more(p, EXEC_STDOUT, args->out) ||
							    has_more(p, EXEC_STDERR, args->err)));
}

static void answer_waiter(struct waiter *w)
{
	struct request *req = w->req;
	const struct process *p = w->reader.process;
	const struct msg_process_output *args = w->args;
	waiter_free(w);
	answer_output(req, p, args);
}

static void on_news(struct process_reader *r)
{
	struct waiter *w = (struct waiter *)r;
	if (is_enough(r->process, w->args)) {
		answer_waiter(w);
	}
}

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	answer_waiter(data);
	return 0;
}

static void on_cancel(void *data)
{
	struct waiter *w = data;
	struct request *req = w->req;
	struct err err;
	waiter_free(w);
	err_set(&err, ERR_CANCELLED, "the wait was cancelled; the process goes on");
	request_fail(req, &err);
}

static void output(struct request *req, const void *data)
{
	static const struct process_reader_fns fns = { .news = on_news };
	const struct msg_process_output *args = data;
	struct process *p = find(req, args->pid, args->tag);
	if (!p) {
		return;
	}
	if (!args->wait_ms || is_enough(p, args)) {
		return answer_output(req, p, args);
	}
	struct waiter *w = must(calloc(1, sizeof(*w)));
	w->req = req;
	w->args = args;
	w->timer = loop_after_ms(request_agent(req)->event, (uint64_t)args->wait_ms, on_late, w);
	process_read(p, &w->reader, &fns);
	request_on_cancel(req, on_cancel, w);
}

const struct op op_process_output = {
	.message = &message_process_output,
	.run = output,
};

/* ---- input ---- */

struct writer {
	struct process_reader reader; /* first */
	struct request *req;
};

static void finish_writer(struct writer *w, const struct err *why)
{
	struct request *req = w->req;
	process_read_end(&w->reader);
	free(w);
	finish(req, !why, why);
}

static void on_end(struct process_reader *r)
{
	struct err err;
	if (process_is_over(r->process)) {
		err_set(&err, ERR_STATE, "process %lld has ended before it read all of the input",
			(long long)process_pid(r->process));
		finish_writer((struct writer *)r, &err);
	}
}

static void on_taken(struct process_reader *r)
{
	finish_writer((struct writer *)r, NULL);
}

static void on_writer_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the process has not read the input yet; it still may");
	finish_writer(data, &err);
}

static void input(struct request *req, const void *data)
{
	static const struct process_reader_fns fns = { .news = on_end, .input_taken = on_taken };
	const struct msg_process_input *args = data;
	struct process *p = find(req, args->pid, args->tag);
	struct err err;
	if (!p) {
		return;
	}
	size_t len;
	const char *bytes = request_tail(req, &len);
	bool end = args->end; /* the request may be answered below */
	struct writer *w = must(calloc(1, sizeof(*w)));
	w->req = req;
	process_read(p, &w->reader, &fns);
	request_on_cancel(req, on_writer_cancel, w);
	if (!process_input(p, &w->reader, bytes, len, &err)) {
		return finish_writer(w, &err);
	}
	if (end) {
		process_input_end(p);
	}
}

const struct op op_process_input = {
	.message = &message_process_input,
	.run = input,
};

/* ---- signals and terminals ---- */

static void send_signal(struct request *req, const void *data)
{
	const struct msg_process_signal *args = data;
	struct process *p = find(req, args->pid, args->tag);
	struct err err;
	if (p && args->tree && !process_is_over(p)) {
		process_kill(p);
		request_answer(req, NULL);
	} else if (p) {
		finish(req, process_signal(p, (int)args->signal, &err), &err);
	}
}

const struct op op_process_signal = {
	.message = &message_process_signal,
	.run = send_signal,
};

static void resize(struct request *req, const void *data)
{
	const struct msg_process_resize *args = data;
	struct process *p = find(req, args->pid, args->tag);
	struct err err;
	if (p) {
		finish(req, process_resize(p, (int)args->columns, (int)args->rows, &err), &err);
	}
}

const struct op op_process_resize = {
	.message = &message_process_resize,
	.run = resize,
};

static void screen(struct request *req, const void *data)
{
	const struct msg_process_screen *args = data;
	struct process *p = find(req, args->pid, args->tag);
	struct msg_process_screen_answer answer;
	struct err err;
	struct terminal *t = p ? process_terminal(p, &err) : NULL;
	if (!t) {
		if (p) {
			request_fail(req, &err);
		}
		return;
	}
	terminal_describe(t, &answer);
	answer.running = !process_is_over(p);
	request_answer(req, &answer);
	json_decref((json_t *)answer.lines);
}

const struct op op_process_screen = {
	.message = &message_process_screen,
	.run = screen,
};

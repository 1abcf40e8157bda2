/* `process_output`: what is kept of the outputs of a process, now or when there is more. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/process/output_log.h"
#include "vm/agent/process/process_op.h"

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
	struct process *p = process_op_find(req, args->pid, args->tag);
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

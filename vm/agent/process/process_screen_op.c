/* `process_screen`: what the terminal of a process shows, now or when it has been quiet. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/process/output_log.h"
#include "vm/agent/process/process_op.h"
#include "vm/agent/process/terminal.h"

struct viewer {
	struct process_reader reader; /* first */
	struct request *req;
	uint64_t quiet_ms;
	sd_event_source *quiet, *late;
};

static void answer_screen(struct request *req, const struct process *p, struct terminal *t)
{
	struct msg_process_screen_answer answer;
	terminal_describe(t, &answer);
	answer.total = process_log(p, EXEC_STDOUT)->total;
	answer.running = !process_is_over(p);
	const struct msg_exec_answer end = process_end(p);
	answer.status = end.status;
	answer.signal = end.signal;
	answer.timed_out = end.timed_out;
	request_answer(req, &answer);
	json_decref((json_t *)answer.lines);
}

static void viewer_free(struct viewer *v)
{
	process_read_end(&v->reader);
	loop_drop(&v->quiet);
	loop_drop(&v->late);
	free(v);
}

static int on_quiet(sd_event_source *source, uint64_t usec, void *data)
{
	struct viewer *v = data;
	struct request *req = v->req;
	const struct process *p = v->reader.process;
	struct err ignored;
	(void)source, (void)usec;
	viewer_free(v);
	answer_screen(req, p, process_terminal(p, &ignored));
	return 0;
}

static void await_quiet(struct viewer *v)
{
	loop_drop(&v->quiet);
	v->quiet = loop_after_ms(request_agent(v->req)->event, v->quiet_ms, on_quiet, v);
}

static void on_printed(struct process_reader *r)
{
	struct viewer *v = (struct viewer *)r;
	if (process_is_over(r->process)) {
		v->quiet_ms = 0; /* nothing follows */
	}
	await_quiet(v);
}

static void on_viewer_cancel(void *data)
{
	struct viewer *v = data;
	struct request *req = v->req;
	struct err err;
	viewer_free(v);
	err_set(&err, ERR_CANCELLED, "the wait was cancelled; the process goes on");
	request_fail(req, &err);
}

static void screen(struct request *req, const void *data)
{
	static const struct process_reader_fns fns = { .news = on_printed };
	const struct msg_process_screen *args = data;
	struct process *p = process_op_find(req, args->pid, args->tag);
	struct err err;
	struct terminal *t = p ? process_terminal(p, &err) : NULL;
	if (!p) {
		return;
	}
	if (!t) {
		return request_fail(req, &err);
	}
	if (!args->quiet_ms || process_is_over(p)) {
		return answer_screen(req, p, t);
	}
	struct viewer *v = must(calloc(1, sizeof(*v)));
	v->req = req;
	v->quiet_ms = (uint64_t)args->quiet_ms;
	v->late = args->wait_ms ? loop_after_ms(request_agent(req)->event, (uint64_t)args->wait_ms,
					  on_quiet, v)
				: NULL;
	process_read(p, &v->reader, &fns);
	request_on_cancel(req, on_viewer_cancel, v);
	if (!args->printed || process_log(p, EXEC_STDOUT)->total > 0) {
		await_quiet(v);
	}
}

const struct op op_process_screen = {
	.message = &message_process_screen,
	.run = screen,
};

/*
 * Conversations with a process: `exec` starts one, `attach` finds one.  The outputs are read no
 * faster than the host takes them: when the host stops, the pipes are not read, and the process
 * blocks as with a slow terminal.  The host receives credit for input when the process has read it.
 */
#include "base/cleanup.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/process.h"

struct talk {
	struct process_reader reader; /* first, so that a reader is a talk */
	struct request *req;
	bool kills;  /* when it is cancelled */
	size_t owed; /* bytes of input that the process has not taken */
};

static void talk_free(struct talk *t)
{
	process_read_end(&t->reader);
	free(t);
}

/* ---- from the process ---- */

static size_t on_data(struct process_reader *r, unsigned channel, const void *bytes, size_t len)
{
	return request_write(((struct talk *)r)->req, channel, bytes, len);
}

static void on_news(struct process_reader *r)
{
	struct talk *t = (struct talk *)r;
	struct request *req = t->req;
	if (process_is_over(r->process)) {
		struct msg_exec_answer answer = process_end(r->process);
		talk_free(t);
		request_answer(req, &answer);
	}
}

static void on_input_taken(struct process_reader *r)
{
	struct talk *t = (struct talk *)r;
	request_consumed(t->req, t->owed);
	t->owed = 0;
}

static const struct process_reader_fns reader_fns = { on_data, on_news, on_input_taken };

/* ---- from the host ---- */

static void on_writable(void *data)
{
	process_continue(((struct talk *)data)->reader.process);
}

/* What a process cannot read any more is dropped, as a pipe does. */
static void on_input(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct talk *t = data;
	struct err ignored;
	(void)channel;
	t->owed += len;
	if (!process_input(t->reader.process, &t->reader, bytes, len, &ignored)) {
		on_input_taken(&t->reader);
	}
}

static void on_input_end(void *data)
{
	process_input_end(((struct talk *)data)->reader.process);
}

/* One that comes too late has no effect. */
static void on_message(const struct message *message, const void *args, void *data)
{
	struct process *p = ((struct talk *)data)->reader.process;
	struct err ignored;
	if (message == &message_signal) {
		(void)!process_signal(p, (int)((const struct msg_signal *)args)->signal, &ignored);
	} else if (message == &message_resize) {
		const struct msg_resize *size = args;
		(void)!process_resize(p, (int)size->columns, (int)size->rows, &ignored);
	}
}

static const struct request_talk talk_fns = {
	.data = on_input,
	.message = on_message,
	.writable = on_writable,
	.ended = on_input_end,
};

static void on_cancel(void *data)
{
	struct talk *t = data;
	struct request *req = t->req;
	struct err err;
	if (t->kills) {
		process_kill(t->reader.process);
		err_set(&err, ERR_CANCELLED, "the command was killed with its children");
	} else {
		err_set(&err, ERR_CANCELLED, "process %lld goes on",
			(long long)process_pid(t->reader.process));
	}
	talk_free(t);
	request_fail(req, &err);
}

/* ---- start ---- */

static void converse(struct request *req, struct process *p, bool kills)
{
	struct talk *t = must(calloc(1, sizeof(*t)));
	struct err err;
	t->req = req;
	t->kills = kills;
	process_read(p, &t->reader, &reader_fns);
	if (!request_converse(req, &talk_fns, t, &err)) {
		talk_free(t);
		return request_fail(req, &err);
	}
	request_on_cancel(req, on_cancel, t);
	struct err none;
	const struct msg_started started = {
		.pid = process_pid(p),
		.ended = process_is_over(p),
		.ended_ms = process_ended_ms(p),
		.terminal = process_terminal(p, &none) != NULL,
	};
	request_send(req, &message_started, &started);
	on_news(&t->reader); /* of one that has ended before */
}

static void exec(struct request *req, const void *data)
{
	const struct msg_exec *args = data;
	struct process_how how = { .args = args };
	struct err err;
	how.tail = request_tail(req, &how.tail_len);
	struct process *p = process_start(request_agent(req), &how, &err);
	if (p) {
		converse(req, p, !args->background);
	} else {
		request_fail(req, &err);
	}
}

static void attach(struct request *req, const void *data)
{
	const struct msg_attach *args = data;
	struct err err;
	struct process *p = process_find(request_agent(req), args->pid, args->tag, &err);
	if (p) {
		converse(req, p, false);
	} else {
		request_fail(req, &err);
	}
}

const struct op op_exec = {
	.message = &message_exec,
	.run = exec,
};

const struct op op_attach = {
	.message = &message_attach,
	.run = attach,
};

/* `process_input`: bytes and keys for a process. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/process/process_op.h"
#include "vm/agent/process/terminal.h"

struct writer {
	struct process_reader reader; /* first */
	struct request *req;
	sd_event_source *late;
};

static void finish_writer(struct writer *w, const struct err *why)
{
	struct request *req = w->req;
	const struct msg_process_input_answer answer = { (int64_t)process_input_pending(
		w->reader.process) };
	process_read_end(&w->reader);
	loop_drop(&w->late);
	free(w);
	if (why) {
		request_fail(req, why);
	} else {
		request_answer(req, &answer);
	}
}

/* What is not read stays for the process. */
static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	finish_writer(data, NULL);
	return 0;
}

static void fail_unread(struct process_reader *r)
{
	struct err err;
	err_set(&err, process_is_over(r->process) ? ERR_NOT_FOUND : ERR_STATE,
		"process %lld closed its stdin or ended before it read all of the input",
		(long long)process_pid(r->process));
	finish_writer((struct writer *)r, &err);
}

static void on_news(struct process_reader *r)
{
	if (process_is_over(r->process)) {
		fail_unread(r);
	}
}

static void on_taken(struct process_reader *r)
{
	if (process_input_failed(r->process)) {
		fail_unread(r);
	} else {
		finish_writer((struct writer *)r, NULL);
	}
}

static void on_writer_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the process has not read the input yet; it still may");
	finish_writer(data, &err);
}

static bool check_kind(struct process *p, int to, struct err *err)
{
	struct err none;
	bool terminal = process_terminal(p, &none) != NULL;
	return to == PROCESS_STDIN_ANY || (to == PROCESS_STDIN_TERMINAL) == terminal ||
	       err_set(err, ERR_STATE, "the stdin of process %lld is a %s",
		       (long long)process_pid(p), terminal ? "terminal" : "pipe");
}

/* All must be valid before any is pressed. */
static bool check_keys(const struct process *p, const json_t *keys, struct err *err)
{
	size_t i;
	json_t *key;
	if (json_array_size(keys) && !process_terminal(p, err)) {
		return false;
	}
	json_array_foreach(keys, i, key)
	{
		if (!terminal_key_check(json_string_value(key), err)) {
			return false;
		}
	}
	return true;
}

static void press_keys(struct process *p, const json_t *keys)
{
	size_t i;
	json_t *key;
	json_array_foreach(keys, i, key)
	{
		process_press(p, json_string_value(key));
	}
}

/* Everything is written in order; the answer comes with the last byte. */
static bool put(struct process *p, struct writer *w, const struct msg_process_input *args,
	const void *bytes, size_t len, struct err *err)
{
	if (!check_kind(p, args->to, err) || !check_keys(p, args->keys, err) ||
		(len && !process_input(p, NULL, bytes, len, err))) {
		return false;
	}
	press_keys(p, args->keys);
	return process_input(p, &w->reader, NULL, 0, err);
}

static void input(struct request *req, const void *data)
{
	static const struct process_reader_fns fns = { .news = on_news, .input_taken = on_taken };
	const struct msg_process_input *args = data;
	struct process *p = process_op_find(req, args->pid, args->tag);
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
	w->late = args->wait_ms ? loop_after_ms(request_agent(req)->event, (uint64_t)args->wait_ms,
					  on_late, w)
				: NULL;
	if (!put(p, w, args, bytes, len, &err)) {
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

/* process.Process: the methods with one answer. */
#include "base/cleanup.h"
#include "server/e2b/envd/process.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/services.h"
#include "vm/wire/messages_process.h"

#include <signal.h>
#include <string.h>

#define INPUT_PART (256u << 10)
#define KILL_WAIT_MS 1000
#define INPUT_WAIT_MS 10000 /* what a process has not read by then stays for it */

/* ---- List ---- */

static json_t *config_of(const struct msg_process_row *row)
{
	json_error_t why;
	json_t *noted = row->note ? json_loads(row->note, 0, &why) : NULL;
	if (json_is_object(noted)) {
		return noted;
	}
	json_decref(noted);
	return must(json_pack("{s:s, s:[s, s, s], s:s}", "cmd", "/bin/bash", "args", "-l", "-c",
		row->command, "cwd", row->cwd));
}

static void listed(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	json_t *list, *one;
	size_t i;
	(void)tail, (void)tail_len;
	if (err) {
		return rpc_fail_err(rpc, err);
	}
	list = must(json_array());
	json_array_foreach(((const struct msg_processes_answer *)answer)->processes, i, one)
	{
		struct msg_process_row row;
		struct err ignored;
		(void)!field_decode(msg_process_row_fields, one, &row, &ignored); /* was checked */
		if (row.running) {
			json_array_append_new(
				list, must(json_pack("{s:I, s:s*, s:o}", "pid", (json_int_t)row.pid,
					      "tag", row.tag, "config", config_of(&row))));
		}
	}
	rpc_reply(rpc, must(json_pack("{s:o}", "processes", list)));
}

static void run_list(struct rpc *rpc, const json_t *body)
{
	static const struct msg_processes args = { .notes = true };
	(void)body;
	rpc_ask(rpc, &(struct guest_question){ &message_processes, &args, .is_command = true },
		listed);
}

/* ---- what the others share ---- */

struct request {
	const json_t *process, *signal, *input, *pty;
};
#define REQUEST struct request
static const struct field request_fields[] = {
	FIELD_JSON(REQUEST, process, "The process.", .required = true),
	FIELD_JSON(REQUEST, signal, "Of SendSignal."),
	FIELD_JSON(REQUEST, input, "Of SendInput."),
	FIELD_JSON(REQUEST, pty, "Of Update."),
	{ 0 },
};

/* False: the call was refused.  rpc->kept owns what they point into. */
static bool read_request(struct rpc *rpc, const json_t *body, struct request *ret_request,
	struct process_selector *ret_selector)
{
	struct err err;
	json_t *kept;
	json_auto_t *outer = NULL;
	if (!proto_decode(request_fields, body, &outer, ret_request, &err) ||
		!proto_decode(
			process_selector_fields, ret_request->process, &kept, ret_selector, &err)) {
		rpc_fail_err(rpc, &err);
		return false;
	}
	rpc->kept = kept;
	return true;
}

/* ---- SendSignal ---- */

static const struct {
	const char *name;
	int number;
} signals[] = { { "SIGNAL_SIGTERM", SIGTERM }, { "SIGNAL_SIGKILL", SIGKILL } };

/* 0: unknown. */
static int signal_of(const json_t *json)
{
	const char *name = json_string_value(json);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		if (name ? strcmp(name, signals[i].name) == 0
			 : json_integer_value(json) == signals[i].number) {
			return signals[i].number;
		}
	}
	return 0;
}

/* Whether it has ended or not. */
static void waited(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	if (err && err->kind == ERR_GONE) {
		rpc_fail_err(rpc, err);
	} else {
		rpc_answer_empty(rpc, answer, tail, tail_len, NULL);
	}
}

/* Whoever kills a process and looks for it then must not find it: so its end is waited for, but not
 * for a client that does not read its output. */
static void killed(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	struct request request;
	struct process_selector to;
	if (err) {
		return rpc_answer_empty(rpc, answer, tail, tail_len, err);
	}
	json_decref(take_ptr(&rpc->kept));
	if (read_request(rpc, rpc->body, &request, &to)) {
		const struct msg_process_output args = { .pid = to.pid,
			.tag = to.tag,
			.out = -1,
			.err = -1,
			.max = 1,
			.wait_ms = KILL_WAIT_MS,
			.end = true };
		rpc_ask(rpc,
			&(struct guest_question){
				&message_process_output, &args, .is_command = true },
			waited);
	}
}

static void run_send_signal(struct rpc *rpc, const json_t *body)
{
	struct request request;
	struct process_selector to;
	if (!read_request(rpc, body, &request, &to)) {
		return;
	}
	const struct msg_process_signal args = {
		.pid = to.pid, .tag = to.tag, .signal = signal_of(request.signal)
	};
	if (!args.signal) {
		rpc_fail(rpc, CONNECT_UNIMPLEMENTED, "invalid signal");
		return;
	}
	rpc_ask(rpc, &(struct guest_question){ &message_process_signal, &args, .is_command = true },
		args.signal == SIGKILL ? killed : rpc_answer_empty);
}

/* ---- Update ---- */

/* A size of a process without a terminal is the caller's mistake, but envd's code is another. */
static void resized(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	if (err && err->kind == ERR_ARGUMENT) {
		rpc_fail_as(rpc, CONNECT_INTERNAL, err);
	} else {
		rpc_answer_empty(rpc, answer, tail, tail_len, err);
	}
}

static void run_update(struct rpc *rpc, const json_t *body)
{
	struct request request;
	struct process_selector to;
	struct process_size size;
	struct err err;
	if (!read_request(rpc, body, &request, &to)) {
		return;
	}
	if (!process_size_read(request.pty, &size, &err)) {
		return rpc_fail_err(rpc, &err);
	}
	if (!size.cols) {
		return rpc_reply(rpc, must(json_object()));
	}
	const struct msg_process_resize args = {
		.pid = to.pid, .tag = to.tag, .columns = size.cols, .rows = size.rows
	};
	rpc_ask(rpc, &(struct guest_question){ &message_process_resize, &args, .is_command = true },
		resized);
}

/* ---- SendInput, CloseStdin ---- */

struct feed {
	struct msg_process_input args;
	struct buf bytes;
	size_t sent;
};

static void free_feed(struct rpc *rpc)
{
	struct feed *feed = rpc->data;
	buf_done(&feed->bytes);
	free(feed);
}

static void feed_next(struct rpc *rpc);

static void fed(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err)
{
	const struct feed *feed = rpc->data;
	if (err || feed->sent == feed->bytes.len) {
		rpc_answer_empty(rpc, answer, tail, tail_len, err);
	} else {
		feed_next(rpc);
	}
}

static void feed_next(struct rpc *rpc)
{
	struct feed *feed = rpc->data;
	size_t rest = feed->bytes.len - feed->sent, len = rest < INPUT_PART ? rest : INPUT_PART;
	const struct guest_question question = {
		.message = &message_process_input,
		.args = &feed->args,
		.tail = feed->bytes.data + feed->sent,
		.tail_len = len,
		.is_command = true,
	};
	feed->sent += len;
	rpc_ask(rpc, &question, fed);
}

static void feed(
	struct rpc *rpc, const struct process_selector *to, int kind, bool end, struct buf *bytes)
{
	struct feed *feed = must(calloc(1, sizeof(*feed)));
	feed->args = (struct msg_process_input){
		.pid = to->pid, .tag = to->tag, .to = kind, .wait_ms = INPUT_WAIT_MS, .end = end
	};
	feed->bytes = *bytes;
	*bytes = (struct buf){ 0 };
	buf_append(&feed->bytes, "", 0);
	rpc->data = feed;
	rpc->closed = free_feed;
	feed_next(rpc);
}

static void run_send_input(struct rpc *rpc, const json_t *body)
{
	struct request request;
	struct process_selector to;
	struct err err;
	auto_buf struct buf bytes = { 0 };
	if (!read_request(rpc, body, &request, &to)) {
		return;
	}
	const json_t *pty = json_object_get(request.input, "pty"),
		     *stdin_ = json_object_get(request.input, "stdin");
	if (!pty == !stdin_) {
		rpc_fail(rpc, CONNECT_INVALID_ARGUMENT,
			"'input' must have either 'stdin' or 'pty', as base64");
	} else if (!proto_bytes(
			   pty ? "input.pty" : "input.stdin", pty ? pty : stdin_, &bytes, &err)) {
		rpc_fail_err(rpc, &err);
	} else {
		feed(rpc, &to, pty ? PROCESS_STDIN_TERMINAL : PROCESS_STDIN_PIPE, false, &bytes);
	}
}

static void run_close_stdin(struct rpc *rpc, const json_t *body)
{
	struct request request;
	struct process_selector to;
	if (read_request(rpc, body, &request, &to)) {
		feed(rpc, &to, PROCESS_STDIN_PIPE, true, &(struct buf){ 0 });
	}
}

const struct rpc_method process_methods[] = {
	{ "/process.Process/List", .run = run_list },
	{ "/process.Process/SendInput", .run = run_send_input },
	{ "/process.Process/CloseStdin", .run = run_close_stdin },
	{ "/process.Process/SendSignal", .run = run_send_signal },
	{ "/process.Process/Update", .run = run_update },
	{ 0 },
};

/*
 * process.Process: Start and Connect, streams of what a process prints.  Its output is taken from the
 * sandbox no faster than the client reads: what the client has not read counts as not consumed.
 */
#include "base/base64.h"
#include "base/cleanup.h"
#include "server/e2b/core/record.h"
#include "server/e2b/envd/process.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/services.h"
#include "server/e2b/envd/typing.h"
#include "vm/guest/conversation.h"
#include "vm/wire/messages_process.h"

#include <string.h>

#define DAY_MS 86400000
#define REMEMBERED_MS 30000 /* an end is told for that long */

struct process_stream {
	struct rpc *rpc;
	struct conversation *c; /* NULL: it has ended */
	size_t owed;            /* bytes that the client has not read */
	bool terminal, starts;
};

/* ---- what the process does ---- */

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct process_stream *s = data;
	const char *name = s->terminal ? "pty" : channel == EXEC_STDERR ? "stderr" : "stdout";
	auto_buf struct buf message = { 0 };
	size_t base64_len;
	auto_free char *base64 = base64_encode(bytes, len, &base64_len);
	buf_printf(&message, "{\"event\":{\"data\":{\"%s\":\"%s\"}}}", name, base64);
	rpc_say_text(s->rpc, buf_text(&message), message.len);
	if (rpc_pending(s->rpc)) {
		s->owed += len;
	} else {
		conversation_consumed(c, len);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct process_stream *s = data;
	const struct msg_started *started = args;
	(void)message;
	conversation_consumed(c, cost);
	if (started->ended && started->ended_ms > REMEMBERED_MS) {
		conversation_close(take_ptr(&s->c));
		rpc_fail(s->rpc, CONNECT_NOT_FOUND, "process with pid %lld not found",
			(long long)started->pid);
		return;
	}
	rpc_stream_begin(s->rpc);
	s->terminal = started->terminal;
	rpc_say(s->rpc, must(json_pack("{s:{s:{s:I}}}", "event", "start", "pid",
				(json_int_t)started->pid)));
}

static void say_end(struct rpc *rpc, const struct msg_exec_answer *end)
{
	char text[PROCESS_STATUS_SIZE];
	bool exited = !end->signal, good = exited && !end->status;
	process_status(end->status, end->signal, text);
	rpc_say(rpc, must(json_pack("{s:{s:{s:I, s:b, s:s, s:s*}}}", "event", "end", "exitCode",
			     (json_int_t)(exited ? end->status : -1), "exited", exited, "status",
			     text, "error", good ? NULL : text)));
	rpc_end(rpc);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct process_stream *s = data;
	const struct msg_exec_answer *end = answer;
	(void)c;
	s->c = NULL;
	if (err) {
		rpc_fail_err(s->rpc, err);
	} else if (s->starts && end->timed_out) {
		rpc_fail(s->rpc, CONNECT_DEADLINE_EXCEEDED, "context deadline exceeded");
	} else {
		say_end(s->rpc, end);
	}
}

/* ---- what the client does ---- */

static void on_drained(struct rpc *rpc)
{
	struct process_stream *s = rpc->data;
	size_t owed = s->owed;
	s->owed = 0;
	if (s->c && owed) {
		conversation_consumed(s->c, owed);
	}
}

/* The process goes on. */
static void on_closed(struct rpc *rpc)
{
	struct process_stream *s = rpc->data;
	conversation_close(s->c);
	free(s);
}

static void on_late(struct rpc *rpc)
{
	struct process_stream *s = rpc->data;
	conversation_close(take_ptr(&s->c));
	rpc_fail(rpc, CONNECT_DEADLINE_EXCEEDED, "context deadline exceeded");
}

static void converse(struct rpc *rpc, const struct conversation_how *how)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data, .on_message = on_message, .on_end = on_end
	};
	struct process_stream *s = must(calloc(1, sizeof(*s)));
	s->rpc = rpc;
	s->starts = how->message == &message_exec;
	rpc->data = s;
	rpc->drained = on_drained;
	rpc->closed = on_closed;
	rpc->late = s->starts ? NULL : on_late;
	s->c = conversation_open(rpc->guest, how, &handlers, s);
}

/* ---- Start ---- */

struct start {
	const json_t *process, *pty;
	const char *tag;
	bool stdin;
};
static const struct field start_fields[] = {
	FIELD_JSON(struct start, process, "The program.", .required = true),
	FIELD_JSON(struct start, pty, "Its terminal."),
	FIELD_STR(struct start, tag, "A name for it.", .max = MESSAGE_TAG_MAX),
	FIELD_FLAG(struct start, stdin, "It has a pipe as stdin.", .default_value = 1),
	{ 0 },
};

/* Programs recognize E2B's sandboxes by these, and find what its desktop SDK starts. */
static json_t *environment_of(const struct rpc *rpc, const json_t *own)
{
	json_t *all = must(json_pack(
		"{s:s, s:s}", "E2B_SANDBOX", "true", "E2B_SANDBOX_ID", vm_id(rpc->r->vm)));
	json_object_update(all, (json_t *)own);
	return all;
}

static void exec(struct rpc *rpc, const struct start *start, const struct process_config *config,
	const struct process_size *size)
{
	auto_buf struct buf tail = { 0 }, cwd = { 0 };
	auto_free char *note = process_config_note(config);
	json_auto_t *environment = environment_of(rpc, config->envs);
	envd_user_path(&rpc->user,
		config->cwd && *config->cwd ? config->cwd
					    : e2b_record_of(vm_spec(rpc->r->vm)).directory,
		&cwd);
	const struct msg_exec args = {
		.cwd = buf_text(&cwd),
		.tag = start->tag && *start->tag ? start->tag : NULL,
		.user = rpc_user(rpc),
		.note = note,
		.environment = environment,
		.arguments = process_config_arguments(config, &tail),
		.timeout_ms = rpc->timeout_ms > DAY_MS ? DAY_MS
			      : rpc->timeout_ms > 0    ? rpc->timeout_ms
						       : 0,
		.columns = size->cols,
		.rows = size->rows,
		.input = start->stdin || size->cols,
		.background = true,
	};
	converse(rpc, &(struct conversation_how){
			      .message = &message_exec,
			      .args = &args,
			      .tail = tail.data,
			      .tail_len = tail.len,
			      .is_command = true,
		      });
}

static void run_start(struct rpc *rpc, const json_t *body)
{
	struct start start;
	struct process_config config;
	struct process_size size;
	struct err err;
	json_auto_t *kept = NULL, *kept_config = NULL;
	if (!proto_decode(start_fields, body, &kept, &start, &err) ||
		!proto_decode(process_config_fields, start.process, &kept_config, &config, &err) ||
		!process_config_check(&config, &err) ||
		!process_size_read(start.pty, &size, &err)) {
		return rpc_fail_err(rpc, &err);
	}
	char *typed = rpc_user(rpc) || size.cols || (start.tag && *start.tag)
			      ? NULL
			      : envd_typing_text(&config);
	if (typed) {
		envd_typing_run(rpc, typed);
	} else {
		exec(rpc, &start, &config, &size);
	}
}

/* ---- Connect ---- */

struct connect {
	const json_t *process;
};
static const struct field connect_fields[] = {
	FIELD_JSON(struct connect, process, "The process.", .required = true),
	{ 0 },
};

static void run_connect(struct rpc *rpc, const json_t *body)
{
	struct connect connect;
	struct process_selector selector;
	struct err err;
	json_auto_t *kept = NULL, *kept_selector = NULL;
	if (!proto_decode(connect_fields, body, &kept, &connect, &err) ||
		!proto_decode(process_selector_fields, connect.process, &kept_selector, &selector,
			&err)) {
		return rpc_fail_err(rpc, &err);
	}
	const struct msg_attach args = { .pid = selector.pid, .tag = selector.tag };
	converse(rpc, &(struct conversation_how){
			      .message = &message_attach, .args = &args, .is_command = true });
}

#define KEEPALIVE "{\"event\":{\"keepalive\":{}}}"
const struct rpc_method process_stream_methods[] = {
	{ "/process.Process/Start", true, KEEPALIVE, run_start },
	{ "/process.Process/Connect", true, KEEPALIVE, run_connect },
	{ 0 },
};

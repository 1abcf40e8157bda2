/* A command: its reply and its two outputs, each a stream, come in any order. */
#include "vm/guest/call.h"

#include "base/cleanup.h"
#include "vm/guest/check.h"

#include <string.h>

static void fill_output(
	struct guest_output *to, const struct output *from, char **head, char **tail)
{
	output_text(from, head, tail, &to->cut);
	to->total = from->total;
	to->head = *head;
	to->tail = *tail;
}

static void exec_tell(struct guest_call *call)
{
	struct exec_run *run = call->exec;
	struct guest_exec res = run->reply;
	auto_free char *out = NULL, *out_tail = NULL, *errors = NULL, *errors_tail = NULL;
	fill_output(&res.out, &run->output[0], &out, &out_tail);
	fill_output(&res.err, &run->output[1], &errors, &errors_tail);
	call->fn.exec(&res, NULL, call->data);
}

/* The reply is a message, so it may overtake what is left of the outputs. */
static enum delivered exec_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct exec_run *run = call->exec;
	if (!check_exec(msg, &run->reply, err)) {
		return REPLY_BAD;
	}
	run->replied = true;
	if (run->stream[0] || run->stream[1]) {
		return REPLY_LATER;
	}
	exec_tell(call);
	return REPLY_TOLD;
}

static void exec_fail(struct guest_call *call, const struct err *err)
{
	call->fn.exec(NULL, err, call->data);
}

static const struct guest_op exec_op = { &message_exec, exec_deliver, exec_fail };

static unsigned which_output(const struct guest_call *call, const struct link_stream *s)
{
	return call->exec->stream[1] == s;
}

static void on_output(struct link_stream *s, const void *bytes, size_t len, void *data)
{
	struct guest_call *call = data;
	output_add(&call->exec->output[which_output(call, s)], bytes, len);
	link_stream_consumed(s, len);
}

static void output_over(struct guest_call *call, const struct link_stream *s)
{
	struct exec_run *run = call->exec;
	run->stream[which_output(call, s)] = NULL;
	if (run->replied && !run->stream[0] && !run->stream[1]) {
		exec_tell(call);
		guest_call_over(call);
	}
}

static void on_output_end(struct link_stream *s, void *data)
{
	link_stream_end(s); /* nothing was ever to go the other way */
	output_over(data, s);
	link_stream_free(s);
}

static void on_output_reset(struct link_stream *s, void *data)
{
	output_over(data, s);
}

static const struct link_stream_handlers output_handlers = {
	.data = on_output,
	.ended = on_output_end,
	.reset = on_output_reset,
};

static bool open_outputs(struct guest_call *call, struct err *err)
{
	call->exec = must(calloc(1, sizeof(*call->exec)));
	for (size_t i = 0; i < 2; i++) {
		struct link_stream *s = link_stream_open(call->guest->link, &output_handlers, call);
		if (!s) {
			return err_set(err, ERR_LIMIT,
				"too many commands are running in this sandbox; wait until one "
				"ends");
		}
		call->exec->stream[i] = s;
	}
	return true;
}

guest_id guest_exec(struct guest *guest, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &exec_op, data);
	struct err err;
	call->fn.exec = fn;
	call->time_ms = timeout_ms;
	if (!guest_may_ask(guest, &err) || !guest->handlers->may_run(guest->data, &err) ||
		!open_outputs(call, &err)) {
		return guest_call_refuse(call, &err);
	}
	size_t len = strlen(command);
	bool behind = len > MESSAGE_COMMAND_INLINE;
	struct msg_exec args = {
		.command = behind ? NULL : command,
		.cwd = cwd,
		.timeout_ms = timeout_ms,
		.output = { link_stream_number(call->exec->stream[0]),
			link_stream_number(call->exec->stream[1]) },
	};
	return guest_call_ask_with(call, &args, behind ? command : NULL, behind ? len : 0);
}

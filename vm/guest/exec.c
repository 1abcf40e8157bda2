/* Runs a command and keeps the beginning and the end of its output. */
#include "vm/guest/conversation.h"

#include "base/cleanup.h"
#include "vm/guest/output.h"

#include <string.h>

struct exec {
	struct output output[2]; /* by channel */
	guest_exec_fn *fn;
	void *data;
};

static void fill_output(
	struct guest_output *to, const struct output *from, char **head, char **tail)
{
	output_text(from, head, tail, &to->cut);
	to->total = from->total;
	to->head = *head;
	to->tail = *tail;
}

static void tell(const struct exec *x, const struct msg_exec_answer *answer)
{
	auto_free char *out = NULL, *out_tail = NULL, *errors = NULL, *errors_tail = NULL;
	struct guest_exec res = {
		.exited = answer->status >= 0,
		.status = answer->status >= 0 ? answer->status : answer->signal,
		.timed_out = answer->timed_out,
		.ms = answer->ms,
	};
	fill_output(&res.out, &x->output[EXEC_STDOUT], &out, &out_tail);
	fill_output(&res.err, &x->output[EXEC_STDERR], &errors, &errors_tail);
	x->fn(&res, NULL, x->data);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct exec *x = data;
	output_add(&x->output[channel], bytes, len);
	conversation_consumed(c, len);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	auto_free struct exec *x = data;
	(void)c;
	if (err) {
		x->fn(NULL, err, x->data);
	} else {
		tell(x, answer);
	}
}

/* Messages were not requested; they are ignored. */
static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args, (void)data;
	conversation_consumed(c, cost);
}

guest_id guest_exec(struct guest *guest, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_end = on_end,
	};
	struct exec *x = must(calloc(1, sizeof(*x)));
	x->fn = fn;
	x->data = data;
	size_t len = strlen(command);
	bool behind = len > MESSAGE_COMMAND_INLINE;
	const struct msg_exec args = {
		.command = behind ? NULL : command,
		.cwd = cwd,
		.timeout_ms = timeout_ms,
	};
	const struct conversation_how how = {
		.message = &message_exec,
		.args = &args,
		.tail = behind ? command : NULL,
		.tail_len = behind ? len : 0,
		.time_ms = timeout_ms,
		.is_command = true,
	};
	return conversation_id(conversation_open(guest, &how, &handlers, x));
}

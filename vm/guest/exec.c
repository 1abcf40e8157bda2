/*
 * Runs a command and keeps the beginning and the end of its output, and the number of bytes dropped
 * between them.  Cuts move to boundaries of UTF-8 characters, and invalid bytes become U+FFFD, so the
 * result is always valid UTF-8.
 */
#include "vm/guest/exec.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/guest/ask.h"
#include "vm/guest/conversation.h"

#include <string.h>

/* ---- output ---- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void output_add(struct output *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	if (out->total < GUEST_OUTPUT_HEAD) {
		size_t n = smaller(GUEST_OUTPUT_HEAD - (size_t)out->total, len);
		memcpy(out->head + out->total, from, n);
		out->total += (int64_t)n;
		from += n;
		len -= n;
	}
	if (len > GUEST_OUTPUT_TAIL) { /* the ring would overwrite it at once */
		size_t skip = len - GUEST_OUTPUT_TAIL;
		out->total += (int64_t)skip;
		from += skip;
		len -= skip;
	}
	while (len) {
		size_t at = (size_t)((out->total - GUEST_OUTPUT_HEAD) % GUEST_OUTPUT_TAIL);
		size_t n = smaller(GUEST_OUTPUT_TAIL - at, len);
		memcpy(out->tail + at, from, n);
		out->total += (int64_t)n;
		from += n;
		len -= n;
	}
}

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

static char *clean(const uint8_t *s, size_t len)
{
	struct buf text = { 0 };
	utf8_append_clean(&text, s, len);
	buf_append(&text, "", 1);
	return (char *)take_ptr(&text.data);
}

static size_t split_at_start(const uint8_t *s, size_t len)
{
	size_t n = 0;
	while (n < 3 && n < len && is_continuation(s[n])) {
		n++;
	}
	return n;
}

void output_text(const struct output *out, char **ret_head, char **ret_tail, int64_t *ret_cut)
{
	auto_buf struct buf all = { 0 };
	size_t head = smaller(GUEST_OUTPUT_HEAD, (size_t)out->total);
	size_t behind = (size_t)out->total - head, kept = smaller(behind, GUEST_OUTPUT_TAIL);
	size_t start = behind > kept ? behind % GUEST_OUTPUT_TAIL : 0; /* the ring's oldest byte */
	buf_append(&all, out->head, head);
	buf_append(&all, out->tail + start, kept - start);
	buf_append(&all, out->tail, start);
	if (behind == kept) {
		*ret_cut = 0;
		*ret_head = clean(all.data, all.len);
		*ret_tail = must(strdup(""));
		return;
	}
	size_t whole = utf8_whole_len(all.data, head), skip = split_at_start(all.data + head, kept);
	*ret_cut = (int64_t)(behind - kept + (head - whole) + skip);
	*ret_head = clean(all.data, whole);
	*ret_tail = clean(all.data + head + skip, kept - skip);
}

/* ---- the command ---- */

struct exec {
	struct output output[2]; /* by channel */
	int64_t pid;
	struct buf input; /* not yet written */
	bool background;
	void (*printed)(const void *bytes, size_t len, void *data);
	guest_exec_fn *fn;
	void *data;
};

static void exec_free(struct exec *x)
{
	buf_done(&x->input);
	free(x);
}

void output_fill(
	const struct output *from, struct guest_output *to, char **ret_head, char **ret_tail)
{
	output_text(from, ret_head, ret_tail, &to->cut);
	to->total = from->total;
	to->head = *ret_head;
	to->tail = *ret_tail;
}

static void report(const struct exec *x, const struct msg_exec_answer *answer)
{
	auto_free char *out = NULL, *out_tail = NULL, *errors = NULL, *errors_tail = NULL;
	struct guest_exec res = {
		.pid = x->pid,
		.exited = answer->status >= 0,
		.status = answer->status >= 0 ? answer->status : answer->signal,
		.timed_out = answer->timed_out,
		.ms = answer->ms,
	};
	output_fill(&x->output[EXEC_STDOUT], &res.out, &out, &out_tail);
	output_fill(&x->output[EXEC_STDERR], &res.err, &errors, &errors_tail);
	x->fn(&res, NULL, x->data);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct exec *x = data;
	output_add(&x->output[channel], bytes, len);
	if (x->printed) {
		x->printed(bytes, len, x->data);
	}
	conversation_consumed(c, len);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct exec *x = data;
	(void)c;
	if (err) {
		x->fn(NULL, err, x->data);
	} else {
		report(x, answer);
	}
	exec_free(x);
}

static void on_writable(struct conversation *c, void *data)
{
	struct exec *x = data;
	buf_consume(&x->input, conversation_write(c, EXEC_STDIN, x->input.data, x->input.len));
	if (!x->input.len) {
		conversation_close_write(c);
	}
}

/* It runs.  One in the background is left to itself. */
static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct exec *x = data;
	(void)message;
	x->pid = ((const struct msg_started *)args)->pid;
	if (!x->background) {
		conversation_consumed(c, cost);
		if (x->input.len) {
			on_writable(c, x);
		}
		return;
	}
	const struct guest_exec res = { .pid = x->pid, .running = true };
	conversation_close(c);
	x->fn(&res, NULL, x->data);
	exec_free(x);
}

guest_id guest_run(
	struct guest *guest, const struct guest_command *command, guest_exec_fn *fn, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_writable = on_writable,
		.on_end = on_end,
	};
	struct exec *x = must(calloc(1, sizeof(*x)));
	x->background = command->background;
	x->printed = command->printed;
	x->fn = fn;
	x->data = data;
	if (command->input) {
		buf_append(&x->input, command->input, strlen(command->input));
	}
	size_t len = strlen(command->command);
	bool behind = len > MESSAGE_COMMAND_INLINE;
	const struct msg_exec args = {
		.command = behind ? NULL : command->command,
		.cwd = command->cwd,
		.user = command->user,
		.environment = command->environment,
		.timeout_ms = command->timeout_ms,
		.columns = command->columns,
		.rows = command->rows,
		.input = x->input.len || command->background,
		.background = command->background,
	};
	const struct conversation_how how = {
		.message = &message_exec,
		.args = &args,
		.tail = behind ? command->command : NULL,
		.tail_len = behind ? len : 0,
		.time_ms = command->background ? ASK_TIME_MS : command->timeout_ms,
		.is_command = true,
	};
	return conversation_id(conversation_open(guest, &how, &handlers, x));
}

guest_id guest_exec(struct guest *guest, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data)
{
	return guest_run(guest,
		&(struct guest_command){ .command = command, .cwd = cwd, .timeout_ms = timeout_ms },
		fn, data);
}

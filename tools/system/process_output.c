#include "tools/system/process_impl.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "tools/system/output.h"

#include <ctype.h>

/* process_output, process_wait: what a process of run_command has printed, and its end. */

#define BYTES_DEFAULT 24000
#define BYTES_MAX 200000

#define ARGS struct process_args
#define SINCE \
	FIELD_STR(ARGS, since, \
		"Only output after this point: the value that the last call returned. Default: the " \
		"beginning.", \
		.max = 60)
#define MAX \
	FIELD_NUM(ARGS, max, "Maximum bytes.", .min = 100, .max = BYTES_MAX, \
		.default_value = BYTES_DEFAULT)

static const struct field output_fields[] = {
	PROCESS_PID,
	SINCE,
	FIELD_DEC(ARGS, wait, "Seconds to wait for output, if there is none.", .max = 3600),
	MAX,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

static const struct field wait_fields[] = {
	PROCESS_PID,
	FIELD_DEC(ARGS, timeout, "In seconds.", .max = 3600, .default_value = 60),
	SINCE,
	MAX,
	CALL_SANDBOX(ARGS),
	{ 0 },
};

/* "1234" or "1234,56": offsets in stdout and stderr. */
static bool parse_since(const char *since, int64_t *ret_out, int64_t *ret_err, struct err *err)
{
	char *end = NULL;
	*ret_out = *ret_err = 0;
	if (!since || !*since) {
		return true;
	}
	if (isdigit((unsigned char)since[0])) {
		*ret_out = strtoll(since, &end, 10);
		if (*end == ',' && isdigit((unsigned char)end[1])) {
			*ret_err = strtoll(end + 1, &end, 10);
		}
	}
	return (end && !*end) || err_set(err, ERR_ARGUMENT,
					 "'since' must be the value that process_output returned, "
					 "such as '1234' or '1234,56'; got '%.60s'",
					 since);
}

/* One stream: what was dropped before it, and its text.  Returns the offset behind it.  A character
 * that is not complete yet is left for the next call. */
static int64_t format_stream(struct buf *out, const uint8_t *bytes, int64_t n, int64_t since,
	int64_t from, bool more_may_come)
{
	if (from > since) {
		buf_printf(out, "[");
		output_format_count(out, from - since);
		buf_printf(out, " bytes are no longer kept]\n");
	}
	size_t len = more_may_come ? utf8_whole_len(bytes, (size_t)n) : (size_t)n;
	utf8_append_clean(out, bytes, len);
	return from + (int64_t)len;
}

static void format_state(
	struct buf *out, const struct msg_process_output_answer *a, int64_t at_out, int64_t at_err)
{
	int64_t left = a->out_total - at_out + a->err_total - at_err;
	output_start_line(out);
	if (left > 0) {
		buf_printf(out, "[");
		output_format_count(out, left);
		buf_printf(out, " more bytes]\n");
	}
	if (a->running) {
		buf_printf(out, "[running for %.1f s]", (double)a->ms / 1000);
	} else {
		buf_printf(out, "[");
		output_format_status(out, a->status, a->signal);
		buf_printf(out, "]");
	}
	if (a->running || left > 0) {
		buf_printf(out, "\n[since: %lld", (long long)at_out);
		if (at_err) {
			buf_printf(out, ",%lld", (long long)at_err);
		}
		buf_printf(out, "]");
	}
}

static void have_output(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct process_call *p = data;
	const struct msg_process_output_answer *a = answer;
	const struct msg_process_output *asked = &p->request.output;
	auto_buf struct buf text = { 0 };
	if (err) {
		return call_fail(p->call, err);
	}
	if (a->out_bytes + a->err_bytes != (int64_t)tail_len) {
		struct err bad;
		err_set(&bad, ERR_HOST, "the agent returned %zu bytes instead of %lld", tail_len,
			(long long)(a->out_bytes + a->err_bytes));
		return call_fail(p->call, &bad);
	}
	bool more = a->running || a->out_total > a->out + a->out_bytes;
	int64_t at_out = format_stream(&text, tail, a->out_bytes, asked->out, a->out, more);
	int64_t at_err = a->err;
	if (a->err_bytes || a->err > asked->err) {
		output_start_line(&text);
		buf_printf(&text, "[stderr]\n");
		more = a->running || a->err_total > a->err + a->err_bytes;
		at_err = format_stream(&text, (const uint8_t *)tail + a->out_bytes, a->err_bytes,
			asked->err, a->err, more);
	}
	format_state(&text, a, at_out, at_err);
	call_reply_text(p->call, buf_text(&text));
}

static void run_output_until(
	struct call *call, const struct process_args *args, double wait, bool end)
{
	struct process_call *p = process_call_new(call, args, &message_process_output, have_output);
	struct msg_process_output *request = &p->request.output;
	struct err err;
	*request = (struct msg_process_output){
		.pid = args->pid, .max = args->max, .wait_ms = input_ms(wait), .end = end
	};
	p->wait_ms = request->wait_ms;
	if (!parse_since(args->since, &request->out, &request->err, &err)) {
		return call_fail(call, &err);
	}
	process_call_start(p);
}

static void run_output(struct call *call, const void *args)
{
	run_output_until(call, args, ((const struct process_args *)args)->wait, false);
}

static void run_wait(struct call *call, const void *args)
{
	run_output_until(call, args, ((const struct process_args *)args)->timeout, true);
}

const struct tool tool_process_output = {
	.name = "process_output",
	.title = "Read a process's output",
	.help = "Returns what a process of run_command has printed, also after its end or what was "
		"omitted, its state, and the value of `since` for the next call.",
	.toolset = "shell",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_EXTRA,
	.max_chars = 400000,
	.order = TOOL_LOOKS,
	.fields = output_fields,
	.args_size = sizeof(ARGS),
	.run = run_output,
};

const struct tool tool_process_wait = {
	.name = "process_wait",
	.title = "Wait for a process",
	.help = "Waits until a process has ended. Returns its output and exit code, or at the timeout "
		"that it still runs.",
	.toolset = "shell",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_TAKES_TIME | TOOL_EXTRA,
	.max_chars = 400000,
	.order = TOOL_WAITS,
	.fields = wait_fields,
	.args_size = sizeof(ARGS),
	.run = run_wait,
};

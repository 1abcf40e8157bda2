#include "tools/system/output.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"

#include <string.h>

void output_format_count(struct buf *out, int64_t n)
{
	if (n >= 1000) {
		output_format_count(out, n / 1000);
		buf_printf(out, ",%03d", (int)(n % 1000));
		return;
	}
	buf_printf(out, "%d", (int)n);
}

void output_start_line(struct buf *out)
{
	if (out->len && out->data[out->len - 1] != '\n') {
		buf_printf(out, "\n");
	}
}

static void format_output(struct buf *out, const struct guest_output *o, int64_t pid)
{
	buf_printf(out, "%s", o->head);
	if (o->cut > 0) {
		output_start_line(out);
		buf_printf(out, "[");
		output_format_count(out, o->cut);
		buf_printf(out, " bytes omitted; process_output with pid %lld returns them]\n%s",
			(long long)pid, o->tail);
	}
}

void output_format_status(struct buf *out, int64_t status, int64_t signal)
{
	const char *name = signal > 0 && signal < 65 ? sigabbrev_np((int)signal) : NULL;
	if (!signal) {
		buf_printf(out, "exit code %lld", (long long)status);
		return;
	}
	buf_printf(out, "killed by signal %lld%s%s", (long long)signal, name ? ", SIG" : "",
		name ? name : "");
}

void output_format_end(struct buf *out, int64_t status, int64_t signal)
{
	if (!signal && !status) {
		return;
	}
	output_start_line(out);
	buf_printf(out, "[");
	output_format_status(out, status, signal);
	buf_printf(out, "]");
}

void output_format(struct buf *out, const struct guest_exec *res)
{
	format_output(out, &res->out, res->pid);
	if (res->err.total > 0) {
		output_start_line(out);
		buf_printf(out, "[stderr]\n");
		format_output(out, &res->err, res->pid);
	}
	if (!res->timed_out) {
		output_format_end(
			out, res->exited ? res->status : 0, res->exited ? 0 : res->status);
	}
	if (!out->len) {
		buf_printf(out, "[no output]");
	}
}

void output_format_started(struct buf *out, int64_t pid)
{
	buf_printf(out,
		"Process %lld runs in the background. process_output returns what it prints, "
		"process_wait its end; process_input and process_signal reach it.",
		(long long)pid);
}

/* ---- progress ---- */

#define PROGRESS_MS 300

static void send_progress(struct output_progress *p)
{
	auto_buf struct buf text = { 0 };
	utf8_append_clean(&text, p->pending, p->len);
	p->len = 0;
	p->sent_us = loop_now_us();
	call_progress(p->call, p->bytes, 0, buf_text(&text));
}

static int on_due(sd_event_source *source, uint64_t usec, void *data)
{
	struct output_progress *p = data;
	(void)source, (void)usec;
	loop_drop(&p->due);
	send_progress(p);
	return 0;
}

void output_progress_done(struct output_progress *p)
{
	loop_drop(&p->due);
}

/* Keeps the newest bytes. */
static void keep(struct output_progress *p, const uint8_t *bytes, size_t len)
{
	size_t size = sizeof(p->pending);
	size_t take = len < size ? len : size;
	size_t stay = p->len + take > size ? size - take : p->len;
	memmove(p->pending, p->pending + (p->len - stay), stay);
	memcpy(p->pending + stay, bytes + (len - take), take);
	p->len = stay + take;
}

void output_progress(struct output_progress *p, struct call *call, const void *bytes, size_t len)
{
	p->call = call;
	keep(p, bytes, len);
	p->bytes += (double)len;
	uint64_t passed = loop_now_us() - p->sent_us;
	if (p->due) {
		return;
	}
	if (passed >= PROGRESS_MS * 1000) {
		send_progress(p);
	} else {
		p->due = loop_after_ms(call_event(call), PROGRESS_MS - passed / 1000, on_due, p);
	}
}

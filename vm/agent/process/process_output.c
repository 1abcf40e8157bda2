/*
 * What a process prints: read into one buffer for each output, kept, and offered to the readers.
 * The buffer is filled again when all of them have taken its bytes.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/process/process_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

/* A child in the background keeps its pipe, which is then drained and its data dropped.  A terminal
 * hangs up. */
void process_output_close(struct process_output *out)
{
	loop_drop(&out->source);
	if (out->fd < 0) {
		return;
	}
	int fd = take_fd(&out->fd);
	if (out->process->terminal) {
		close(fd);
	} else {
		output_drain_release(output_drain_new(out->process->agent->event, fd));
	}
}

/* ---- readers ---- */

void process_read(struct process *p, struct process_reader *r, const struct process_reader_fns *fns)
{
	*r = (struct process_reader){ .fns = fns, .process = p };
	for (unsigned i = 0; i < 2; i++) {
		r->taken[i] = p->output[i].len; /* from now on */
	}
	LIST_INSERT_HEAD(&p->readers, r, entry);
}

static int on_soon(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	process_continue(data);
	return 0;
}

void process_read_end(struct process_reader *r)
{
	struct process *p = r->process;
	if (!p) {
		return;
	}
	if (p->next_reader == r) {
		p->next_reader = LIST_NEXT(r, entry);
	}
	LIST_REMOVE(r, entry);
	r->process = NULL;
	loop_drop(&p->soon); /* it may have been the slowest */
	p->soon = p->over ? NULL : loop_after_ms(p->agent->event, 0, on_soon, p);
}

void process_news(struct process *p)
{
	for (struct process_reader *r = LIST_FIRST(&p->readers); r; r = p->next_reader) {
		p->next_reader = LIST_NEXT(r, entry);
		r->fns->news(r);
	}
}

/* True if every reader has taken everything that was read. */
static bool hand_on(struct process_output *out)
{
	bool all = true;
	struct process_reader *r;
	LIST_FOREACH(r, &out->process->readers, entry)
	{
		size_t *taken = &r->taken[out->channel], rest = out->len - *taken;
		if (rest && r->fns->data) {
			rest = r->fns->data(r, out->channel, out->held + *taken, rest);
		}
		*taken += rest;
		all = all && *taken == out->len;
	}
	return all;
}

/* ---- reading ---- */

/* A process in the background is read until its children close the pipe, too. */
static bool is_limited(const struct process_output *out)
{
	return out->left != SIZE_MAX;
}

static void keep(struct process_output *out, size_t len)
{
	struct process *p = out->process;
	struct process_reader *r;
	out->len = len;
	out->left -= is_limited(out) ? len : 0;
	LIST_FOREACH(r, &p->readers, entry)
	{
		r->taken[out->channel] = 0;
	}
	output_log_add(&out->log, out->held, len);
	if (p->terminal) {
		terminal_add(p->terminal, out->held, len);
	}
}

/* True if something was read; false if the pipe is empty or closed. */
static bool fill(struct process_output *out)
{
	size_t want = out->left < sizeof(out->held) ? out->left : sizeof(out->held);
	ssize_t n = want ? read(out->fd, out->held, want) : 0;
	if (n > 0) {
		keep(out, (size_t)n);
		return true;
	}
	if (n == 0 || is_limited(out) || (errno != EAGAIN && errno != EINTR)) {
		process_output_close(out);
	}
	return false;
}

/* While nothing limits it, one buffer per iteration of the loop, so that a process with much output
 * cannot block it. */
void process_output_pump(struct process_output *out)
{
	bool more = out->fd >= 0, taken = true;
	while (more && (taken = hand_on(out))) {
		more = fill(out);
		if (more && !is_limited(out)) {
			taken = hand_on(out);
			break;
		}
	}
	if (out->source) {
		loop_enable(out->source, taken);
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	struct process_output *out = data;
	struct process *p = out->process;
	process_output_pump(out);
	process_check_over(p);
	if (!p->over) {
		process_news(p);
	}
	return 0;
}

void process_continue(struct process *p)
{
	process_output_pump(&p->output[EXEC_STDOUT]);
	process_output_pump(&p->output[EXEC_STDERR]);
	process_check_over(p);
}

bool process_output_open(struct process *p, unsigned channel, int fd, struct err *err)
{
	struct process_output *out = &p->output[channel];
	out->fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	out->source = loop_add_io(p->agent->event, fd, EPOLLIN, on_readable, out);
	return out->source || err_set(err, ERR_GONE, "the agent is stopping");
}

void process_output_limit(struct process_output *out)
{
	int left = 0;
	if (out->fd >= 0) {
		ioctl(out->fd, FIONREAD, &left);
	}
	out->left = left > 0 ? (size_t)left : 0;
}

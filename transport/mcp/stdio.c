/*
 * One message per line.  Only a few messages are read per iteration of the loop, so that a flood
 * from one client does not delay others.
 */
#include "transport/mcp/stdio.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/outq.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#define READ_STEP (64u << 10)
#define KEEP (1u << 20) /* an empty buffer larger than this is freed */
#define MESSAGES_A_TURN 8

struct stdio {
	struct transport_conn conn; /* first: see from_conn() */
	sd_event *event;
	int in, out, out_flags;
	const struct transport_handlers *handlers;
	void *data;
	sd_event_source *readable, *again, *finish, *hangup;
	struct outq *outq;
	struct buf buf;
	size_t at;      /* start of the next line in buf */
	size_t scanned; /* bytes after it known to contain no line end */
	bool skipping;  /* inside a line that was refused */
	bool eof, reported_end, paused, closing, finished;
};

static struct stdio *from_conn(const struct transport_conn *conn)
{
	return (struct stdio *)conn;
}

/* ---- reading ---- */

static void refuse(struct stdio *s)
{
	struct err why;
	err_set(&why, ERR_LIMIT, "a message must not be longer than %u bytes; this line is",
		TRANSPORT_MESSAGE_MAX);
	s->handlers->refused(&s->conn, &why, s->data);
}

/* One line of len bytes at buf.at, terminated by a NUL. */
static void deliver(struct stdio *s, size_t len)
{
	char *text = (char *)s->buf.data + s->at;
	if (len > 0 && text[len - 1] == '\r') {
		text[--len] = '\0';
	}
	if (strspn(text, " \t\r") == len) {
		return; /* a blank line is ignored */
	}
	if (len > TRANSPORT_MESSAGE_MAX) {
		refuse(s);
	} else {
		s->handlers->message(&s->conn, text, len, s->data);
	}
}

/* Takes the next complete line; false if there is none. */
static bool take_line(struct stdio *s)
{
	size_t left = s->buf.len - s->at;
	if (left == s->scanned) {
		return false;
	}
	uint8_t *from = s->buf.data + s->at;
	uint8_t *end = memchr(from + s->scanned, '\n', left - s->scanned);
	if (!end) {
		s->scanned = left;
		return false;
	}
	size_t len = (size_t)(end - from);
	*end = '\0';
	if (!s->skipping) {
		deliver(s, len);
	}
	s->skipping = false;
	s->at += len + 1;
	s->scanned = 0;
	return true;
}

/* The rest has no line end: makes room, and refuses a line that is already too long. */
static void tidy(struct stdio *s)
{
	buf_consume(&s->buf, s->at);
	s->at = 0;
	if (!s->skipping && s->buf.len > TRANSPORT_MESSAGE_MAX + 1) { /* 1 for a CR */
		s->skipping = true;
		refuse(s);
	}
	if (s->skipping) {
		s->buf.len = s->scanned = 0;
	}
	if (s->buf.len == 0 && s->buf.cap > KEEP) {
		buf_done(&s->buf);
	}
}

static void finish(struct stdio *s);

/* The other end is closed, so no responses can be delivered. */
static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source, (void)fd, (void)events;
	finish(data);
	return 0;
}

static void end_input(struct stdio *s)
{
	size_t left = s->buf.len - s->at;
	if (left && !s->skipping) {
		deliver(s, left);
	}
	s->at = s->buf.len;
	s->scanned = 0;
	if (s->paused || s->closing) {
		return; /* by that last message */
	}
	s->reported_end = true;
	s->hangup = loop_on_hangup(s->event, s->out, on_hangup, s);
	s->handlers->ended(&s->conn, s->data);
}

static void turn(struct stdio *s);

static int on_again(sd_event_source *source, void *data)
{
	struct stdio *s = data;
	(void)source;
	loop_drop(&s->again);
	turn(s);
	return 0;
}

static void turn_again(struct stdio *s)
{
	if (!s->again) {
		s->again = loop_defer(s->event, on_again, s);
	}
}

static bool may_read(const struct stdio *s)
{
	return !s->paused && !s->closing && !s->reported_end;
}

static void turn(struct stdio *s)
{
	int taken = 0;
	while (may_read(s) && taken < MESSAGES_A_TURN && take_line(s)) {
		taken++;
	}
	bool lines_left = may_read(s) && taken == MESSAGES_A_TURN;
	if (lines_left) {
		turn_again(s);
	} else if (may_read(s)) {
		tidy(s);
		if (s->eof && may_read(s)) {
			end_input(s);
		}
	}
	loop_enable(s->readable, may_read(s) && !lines_left && !s->eof);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct stdio *s = data;
	(void)source;
	(void)events;
	buf_reserve(&s->buf, READ_STEP);
	ssize_t n = read(fd, s->buf.data + s->buf.len, READ_STEP);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	if (n > 0) {
		s->buf.len += (size_t)n;
	}
	s->buf.data[s->buf.len] = '\0';
	s->eof = n <= 0; /* reading from a closed terminal fails */
	turn(s);
	return 0;
}

/* ---- sending, and the end ---- */

static void finish(struct stdio *s)
{
	if (s->finished) {
		return;
	}
	s->finished = s->closing = true;
	loop_drop(&s->readable);
	loop_drop(&s->again);
	loop_drop(&s->finish);
	loop_drop(&s->hangup);
	s->handlers->closed(&s->conn, s->data); /* may free s */
}

static int on_finish(sd_event_source *source, void *data)
{
	(void)source;
	finish(data);
	return 0;
}

static void on_broken(const struct err *why, void *data)
{
	(void)why;
	finish(data);
}

static void on_drained(void *data)
{
	struct stdio *s = data;
	if (s->closing) {
		finish(s);
	} else {
		s->handlers->drained(&s->conn, s->data);
	}
}

static void stdio_send(struct transport_conn *conn, const char *text, size_t len)
{
	outq_push2(from_conn(conn)->outq, text, len, "\n", 1);
}

static size_t stdio_pending(const struct transport_conn *conn)
{
	return outq_pending(from_conn(conn)->outq);
}

static void stdio_pause(struct transport_conn *conn, bool paused)
{
	struct stdio *s = from_conn(conn);
	s->paused = paused;
	if (paused) {
		loop_enable(s->readable, false);
	} else if (may_read(s)) {
		turn_again(s); /* deferred: the caller may be inside a message */
	}
}

static void stdio_close(struct transport_conn *conn)
{
	struct stdio *s = from_conn(conn);
	if (s->closing) {
		return;
	}
	s->closing = true;
	loop_enable(s->readable, false);
	loop_drop(&s->again);
	if (outq_pending(s->outq) == 0) {
		s->finish = loop_defer(s->event, on_finish, s);
	}
}

static const struct transport stdio_transport = {
	.name = "stdio",
	.send = stdio_send,
	.pending = stdio_pending,
	.pause = stdio_pause,
	.close = stdio_close,
};

struct stdio *stdio_new(
	sd_event *event, int in, int out, const struct transport_handlers *handlers, void *data)
{
	struct stdio *s = must(calloc(1, sizeof(*s)));
	s->conn.transport = &stdio_transport;
	s->conn.owner = "stdio";
	s->event = event;
	s->in = in;
	s->out = out;
	s->out_flags = fcntl(out, F_GETFL);
	s->handlers = handlers;
	s->data = data;
	s->outq = outq_new(event, out, on_broken, on_drained, s);
	s->readable = loop_add_io(event, in, EPOLLIN, on_readable, s);
	handlers->opened(&s->conn, data);
	return s;
}

void stdio_free(struct stdio *s)
{
	if (!s) {
		return;
	}
	loop_drop(&s->readable);
	loop_drop(&s->again);
	loop_drop(&s->finish);
	loop_drop(&s->hangup);
	outq_free(s->outq);
	if (s->out_flags >= 0) {
		fcntl(s->out, F_SETFL,
			s->out_flags); /* others may share it: a shell, or our stderr */
	}
	buf_done(&s->buf);
	free(s);
}

// USES transport
/* Lines over pipes, files and /dev/null: what arrives as which callback, and what never blocks. */
#include "base/buf.h"
#include "base/loop.h"
#include "transport/mcp/stdio.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct seen {
	sd_event *event;
	struct stdio *stdio;
	struct transport_conn *conn;
	int in[2], out[2]; /* the test writes in[1], reads out[0] */
	struct buf texts;  /* every message, each followed by '|' */
	int opened, messages, refused, ended, drained, closed;
	int pause_after, close_on_end, close_after;
	size_t longest;
	bool keep; /* past closed() */
};

static void on_opened(struct transport_conn *conn, void *data)
{
	struct seen *seen = data;
	seen->conn = conn;
	seen->opened++;
}

static void on_message(struct transport_conn *conn, const char *text, size_t len, void *data)
{
	struct seen *seen = data;
	cr_assert_eq(text[len], '\0');
	seen->messages++;
	seen->longest = len > seen->longest ? len : seen->longest;
	if (len < 100) {
		buf_append(&seen->texts, text, len);
		buf_append(&seen->texts, "|", 1);
	}
	if (seen->messages == seen->pause_after) {
		conn->transport->pause(conn, true);
	}
	if (seen->messages == seen->close_after) {
		conn->transport->close(conn);
	}
}

static void on_refused(struct transport_conn *conn, const struct err *why, void *data)
{
	struct seen *seen = data;
	(void)conn;
	cr_assert_eq(why->kind, ERR_LIMIT);
	seen->refused++;
}

static void on_ended(struct transport_conn *conn, void *data)
{
	struct seen *seen = data;
	seen->ended++;
	if (seen->close_on_end) {
		conn->transport->close(conn);
	}
}

static void on_drained(struct transport_conn *conn, void *data)
{
	struct seen *seen = data;
	cr_assert_eq(conn->transport->pending(conn), 0);
	seen->drained++;
}

static void on_closed(struct transport_conn *conn, void *data)
{
	struct seen *seen = data;
	(void)conn;
	seen->closed++;
	if (!seen->keep) {
		stdio_free(seen->stdio);
		seen->stdio = NULL;
	}
}

static const struct transport_handlers handlers = {
	.opened = on_opened,
	.message = on_message,
	.refused = on_refused,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_closed,
};

/* Runs the loop until nothing happens any more. */
static void settle(struct seen *seen)
{
	while (sd_event_run(seen->event, 20000) > 0) {
	}
}

static void begin(struct seen *seen, int in, int out)
{
	struct err err;
	seen->event = loop_new(&err);
	cr_assert(seen->event, "%s", err.text);
	seen->stdio = stdio_new(seen->event, in, out, &handlers, seen);
	cr_assert_eq(seen->opened, 1);
}

static void begin_pipes(struct seen *seen)
{
	cr_assert_eq(pipe2(seen->in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(seen->out, O_CLOEXEC), 0);
	begin(seen, seen->in[0], seen->out[1]);
}

static void end(struct seen *seen)
{
	stdio_free(seen->stdio);
	sd_event_unref(seen->event);
	buf_done(&seen->texts);
}

static void feed(struct seen *seen, const char *text)
{
	size_t len = strlen(text);
	cr_assert_eq(write(seen->in[1], text, len), (ssize_t)len);
	settle(seen);
}

/* Writes len bytes of 'x' through the pipe while the loop runs. */
static void feed_many(struct seen *seen, size_t len)
{
	char block[4096];
	memset(block, 'x', sizeof(block));
	for (size_t n; len > 0; len -= n) {
		n = len < sizeof(block) ? len : sizeof(block);
		cr_assert_eq(write(seen->in[1], block, n), (ssize_t)n);
		sd_event_run(seen->event, 0);
	}
}

Test(stdio, lines_become_messages)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	feed(&seen, "one\ntwo\r\n\n\r\n \t \nth");
	cr_assert_str_eq(buf_text(&seen.texts), "one|two|");
	feed(&seen, "ree\nfour");
	cr_assert_str_eq(buf_text(&seen.texts), "one|two|three|");
	close(seen.in[1]);
	settle(&seen);
	cr_assert_str_eq(
		buf_text(&seen.texts), "one|two|three|four|", "the last line needs no end");
	cr_assert_eq(seen.ended, 1);
	cr_assert_eq(seen.closed, 0, "answers can still be sent");
	end(&seen);
}

Test(stdio, a_flood_arrives_whole_and_in_turns)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	auto_buf struct buf flood = { 0 };
	for (int i = 0; i < 1000; i++) {
		buf_printf(&flood, "%d\n", i);
	}
	cr_assert_eq(write(seen.in[1], flood.data, flood.len), (ssize_t)flood.len);
	sd_event_run(seen.event, 0);
	cr_assert_leq(seen.messages, 8, "others get their turn");
	settle(&seen);
	cr_assert_eq(seen.messages, 1000);
	end(&seen);
}

Test(stdio, pause_holds_what_was_read_already)
{
	struct seen seen = { .pause_after = 2 };
	begin_pipes(&seen);
	feed(&seen, "a\nb\nc\nd\n");
	cr_assert_str_eq(buf_text(&seen.texts), "a|b|");
	feed(&seen, "e\n");
	close(seen.in[1]);
	settle(&seen);
	cr_assert_eq(seen.messages, 2);
	cr_assert_eq(seen.ended, 0);
	seen.conn->transport->pause(seen.conn, false);
	cr_assert_eq(seen.messages, 2, "not from inside the call");
	settle(&seen);
	cr_assert_str_eq(buf_text(&seen.texts), "a|b|c|d|e|");
	cr_assert_eq(seen.ended, 1);
	end(&seen);
}

Test(stdio, the_end_waits_for_a_pause_in_the_last_message)
{
	struct seen seen = { .pause_after = 1 };
	begin_pipes(&seen);
	feed(&seen, "only");
	close(seen.in[1]);
	settle(&seen);
	cr_assert_eq(seen.messages, 1);
	cr_assert_eq(seen.ended, 0);
	seen.conn->transport->pause(seen.conn, false);
	settle(&seen);
	cr_assert_eq(seen.messages, 1);
	cr_assert_eq(seen.ended, 1);
	end(&seen);
}

Test(stdio, the_longest_line_passes)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	feed_many(&seen, TRANSPORT_MESSAGE_MAX);
	feed(&seen, "\r\nok\n");
	cr_assert_eq(seen.refused, 0);
	cr_assert_eq(seen.longest, TRANSPORT_MESSAGE_MAX);
	cr_assert_str_eq(buf_text(&seen.texts), "ok|");
	end(&seen);
}

Test(stdio, a_longer_line_is_refused_once_and_skipped)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	feed_many(&seen, TRANSPORT_MESSAGE_MAX + 1);
	feed(&seen, "\nok\n");
	cr_assert_eq(seen.refused, 1);
	feed_many(&seen, 2 * TRANSPORT_MESSAGE_MAX + 123);
	cr_assert_eq(seen.refused, 2, "as soon as it is too long");
	feed(&seen, "tail\nyes\n");
	cr_assert_eq(seen.refused, 2);
	cr_assert_str_eq(buf_text(&seen.texts), "ok|yes|");
	feed_many(&seen, TRANSPORT_MESSAGE_MAX + 100);
	close(seen.in[1]);
	settle(&seen);
	cr_assert_eq(seen.refused, 3);
	cr_assert_eq(seen.messages, 2);
	cr_assert_eq(seen.ended, 1);
	end(&seen);
}

Test(stdio, sending_never_blocks_and_drains)
{
	struct seen seen = { 0 };
	static char text[300000], got[400000];
	begin_pipes(&seen);
	memset(text, 'y', sizeof(text));
	seen.conn->transport->send(seen.conn, text, sizeof(text));
	cr_assert_gt(seen.conn->transport->pending(seen.conn), 0);
	seen.conn->transport->send(seen.conn, "end", 3);
	size_t len = 0;
	while (len < sizeof(text) + 5) {
		ssize_t n = read(seen.out[0], got + len, sizeof(got) - len);
		cr_assert_gt(n, 0);
		len += (size_t)n;
		settle(&seen);
	}
	cr_assert_eq(len, sizeof(text) + 5);
	cr_assert_eq(memcmp(got + sizeof(text), "\nend\n", 5), 0);
	cr_assert_eq(seen.drained, 1);
	end(&seen);
}

Test(stdio, close_writes_what_is_queued)
{
	struct seen seen = { .close_on_end = 1 };
	static char text[200000], got[200001];
	begin_pipes(&seen);
	seen.conn->transport->send(seen.conn, text, sizeof(text));
	close(seen.in[1]);
	settle(&seen);
	cr_assert_eq(seen.ended, 1);
	cr_assert_eq(seen.closed, 0);
	for (size_t len = 0; len < sizeof(got);) {
		ssize_t n = read(seen.out[0], got, sizeof(got));
		cr_assert_gt(n, 0);
		len += (size_t)n;
		settle(&seen);
	}
	cr_assert_eq(seen.closed, 1);
	cr_assert_eq(seen.drained, 0, "closed says it");
	end(&seen);
}

Test(stdio, close_inside_a_message)
{
	struct seen seen = { .close_after = 1 };
	begin_pipes(&seen);
	feed(&seen, "a\nb\nc\n");
	cr_assert_eq(seen.messages, 1);
	cr_assert_eq(seen.closed, 1);
	cr_assert_eq(seen.ended, 0);
	end(&seen);
}

Test(stdio, a_broken_output_closes_once)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	close(seen.out[0]);
	seen.conn->transport->send(seen.conn, "x", 1);
	cr_assert_eq(seen.closed, 0, "from the loop");
	settle(&seen);
	cr_assert_eq(seen.closed, 1);
	end(&seen);
}

Test(stdio, broken_and_closed_is_closed_once)
{
	struct seen seen = { .keep = true };
	begin_pipes(&seen);
	close(seen.out[0]);
	seen.conn->transport->close(seen.conn);
	seen.conn->transport->send(seen.conn, "x", 1);
	settle(&seen);
	cr_assert_eq(seen.closed, 1);
	end(&seen);
}

Test(stdio, regular_files_and_dev_null)
{
	struct seen seen = { .close_on_end = 1 };
	FILE *file = tmpfile();
	cr_assert(file);
	fputs("a\nb\n", file);
	rewind(file);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	begin(&seen, fileno(file), null);
	settle(&seen);
	cr_assert_str_eq(buf_text(&seen.texts), "a|b|");
	cr_assert_eq(seen.closed, 1);
	end(&seen);

	struct seen none = { .close_on_end = 1 };
	begin(&none, null, null);
	settle(&none);
	cr_assert_eq(none.messages, 0);
	cr_assert_eq(none.ended, 1);
	cr_assert_eq(none.closed, 1);
	end(&none);
	fclose(file);
	close(null);
}

Test(stdio, the_output_is_left_as_it_was)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	cr_assert(fcntl(seen.out[1], F_GETFL) & O_NONBLOCK);
	end(&seen);
	cr_assert_not(fcntl(seen.out[1], F_GETFL) & O_NONBLOCK);
}

Test(stdio, after_the_end_of_input_a_reader_that_goes_closes_it)
{
	struct seen seen = { 0 };
	begin_pipes(&seen);
	close(seen.in[1]);
	settle(&seen);
	cr_assert_eq(seen.ended, 1);
	cr_assert_eq(seen.closed, 0);
	close(seen.out[0]);
	settle(&seen);
	cr_assert_eq(seen.closed, 1);
	end(&seen);
}

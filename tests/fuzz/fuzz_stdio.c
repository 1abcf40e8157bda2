// USES transport
/*
 * Bytes into the line reader, in pieces, with pauses.  Every line must come out once, in order, as
 * it went in. The first byte says where the input is cut and when reading is paused.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "transport/mcp/stdio.h"

#include <fcntl.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct state {
	struct stdio *stdio;
	struct transport_conn *conn;
	struct buf got;
	int messages, ended, closed, pause_every;
	bool paused;
};

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void on_opened(struct transport_conn *conn, void *data)
{
	struct state *state = data;
	state->conn = conn;
}

static void on_message(struct transport_conn *conn, const char *text, size_t len, void *data)
{
	struct state *state = data;
	check(len > 0 && text[len] == '\0' && !memchr(text, '\n', len));
	check(!state->paused && !state->ended);
	buf_append(&state->got, text, len);
	buf_append(&state->got, "\n", 1);
	conn->transport->send(conn, text, len);
	if (state->pause_every && ++state->messages % state->pause_every == 0) {
		state->paused = true;
		conn->transport->pause(conn, true);
	}
}

static void on_refused(struct transport_conn *conn, const struct err *why, void *data)
{
	(void)conn;
	(void)why;
	(void)data;
	abort(); /* no input here is that long */
}

static void on_ended(struct transport_conn *conn, void *data)
{
	struct state *state = data;
	check(!state->ended++);
	conn->transport->close(conn);
}

static void on_drained(struct transport_conn *conn, void *data)
{
	(void)conn;
	(void)data;
}

static void on_closed(struct transport_conn *conn, void *data)
{
	struct state *state = data;
	(void)conn;
	check(!state->closed++);
	stdio_free(state->stdio);
	state->stdio = NULL;
}

static const struct transport_handlers handlers = {
	.opened = on_opened,
	.message = on_message,
	.refused = on_refused,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_closed,
};

static void run(struct state *state, sd_event *event)
{
	while (sd_event_run(event, 0) > 0 || (state->paused && !state->closed)) {
		if (state->paused) {
			state->paused = false;
			state->conn->transport->pause(state->conn, false);
		}
	}
}

static bool is_blank(const uint8_t *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
			return false;
		}
	}
	return true;
}

/* The lines as they should have come: no CR before the end, no blank ones, the last with or without
 * an end. */
static void expect(struct buf *out, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		const uint8_t *end = memchr(bytes, '\n', len);
		size_t line = end ? (size_t)(end - bytes) : len, used = end ? line + 1 : line;
		line -= line > 0 && bytes[line - 1] == '\r';
		if (!is_blank(bytes, line)) {
			buf_append(out, bytes, line);
			buf_append(out, "\n", 1);
		}
		bytes += used;
		len -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err;
	struct state state = { 0 };
	int in[2];
	if (len < 1) {
		return 0;
	}
	size_t piece = 1 + bytes[0] % 64;
	state.pause_every = bytes[0] / 64;
	bytes++;
	len--;
	auto_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	auto_event sd_event *event = loop_new(&err);
	must(event);
	check(null >= 0 && pipe2(in, O_CLOEXEC) == 0);
	state.stdio = stdio_new(event, in[0], null, &handlers, &state);
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		check(write(in[1], bytes + at, n) == (ssize_t)n);
		run(&state, event);
	}
	close(in[1]);
	run(&state, event);
	auto_buf struct buf wanted = { 0 };
	expect(&wanted, bytes, len);
	check(state.ended == 1 && state.closed == 1);
	check(state.got.len == wanted.len &&
		memcmp(buf_text(&state.got), buf_text(&wanted), wanted.len) == 0);
	buf_done(&state.got);
	close(in[0]);
	return 0;
}

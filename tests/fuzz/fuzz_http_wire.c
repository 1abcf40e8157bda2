// USES transport
/*
 * Bytes of a client into a whole HTTP server, in pieces; the first byte says how large.  Whatever
 * they are, each connection that opens closes, and nothing is left of it.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "transport/mcp/http_sse.h"
#include "transport/mcp/http_streamable.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct state {
	sd_event *event;
	struct http *http;
	struct streamable *streamable;
	struct sse *sse;
	struct sockaddr_un at;
	char dir[40];
	long opened, closed;
} state;

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void on_opened(struct transport_conn *conn, void *data)
{
	(void)conn;
	(void)data;
	state.opened++;
}

/* "hold" is never answered; all else is, some of it as a stream. */
static void on_message(struct transport_conn *conn, const char *text, size_t len, void *data)
{
	(void)data;
	check(text[len] == '\0');
	if (strncmp(text, "hold", 4) == 0) {
		return;
	}
	if (len % 2 || !conn->transport->finish) {
		conn->transport->send(conn, text, len);
	}
	if (conn->transport->finish) {
		conn->transport->finish(conn, text, len);
	}
}

static void on_refused(struct transport_conn *conn, const struct err *why, void *data)
{
	(void)conn;
	(void)why;
	(void)data;
}

static void on_drained(struct transport_conn *conn, void *data)
{
	(void)data;
	check(conn->transport->pending(conn) == 0);
}

static void on_closed(struct transport_conn *conn, void *data)
{
	(void)conn;
	(void)data;
	state.closed++;
}

static const struct transport_handlers handlers = {
	.opened = on_opened,
	.message = on_message,
	.refused = on_refused,
	.ended = on_drained,
	.drained = on_drained,
	.closed = on_closed,
};

/* ---- bodies and responses in parts ---- */

/* Takes a part of what it gets, and the rest later; its first byte says how it answers. */
static size_t on_part(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	const uint8_t *first = bytes;
	(void)data;
	if (len == 0) {
		http_stream_begin(x, 200, NULL, -1);
		http_stream_write(x, "done", 4);
		http_stream_end(x);
		return 0;
	}
	if (*first == 'r') {
		http_reply(x, 507, NULL, "full", 4);
	} else if (*first == 's') {
		http_stream_begin(x, 200, NULL, 4);
		http_stream_write(x, "full", 4);
	} else if (*first == 'a') {
		http_stream_abort(x);
	} else {
		http_receive_more(x);
	}
	return (len + 1) / 2;
}

static void on_upload_closed(struct http_exchange *x, void *data)
{
	(void)x;
	(void)data;
	state.closed++;
}

static void run_upload(struct http_exchange *x, void *data)
{
	(void)data;
	state.opened++;
	http_on_closed(x, on_upload_closed, NULL);
	http_receive(x, on_part, NULL);
}

static void run_whole(struct http_exchange *x, void *data)
{
	size_t len;
	const char *body = http_body(x, &len);
	(void)data;
	http_reply(x, 200, NULL, body, len);
}

static void run_all(struct http_exchange *x, void *data)
{
	(void)data;
	http_receive_all(x, 100, run_whole, NULL);
}

static const char *authorize(const char *token, void *data)
{
	(void)data;
	return token && strcmp(token, "t") == 0 ? "user" : NULL;
}

static void stop(void)
{
	streamable_free(state.streamable);
	sse_free(state.sse);
	http_free(state.http);
	sd_event_unref(state.event);
	rmdir(state.dir);
}

static void start(void)
{
	struct err err;
	char listen[sizeof(state.at.sun_path) + 5];
	snprintf(state.dir, sizeof(state.dir), "/tmp/vitrine-fuzz-XXXXXX");
	check(mkdtemp(state.dir));
	state.at.sun_family = AF_UNIX;
	snprintf(state.at.sun_path, sizeof(state.at.sun_path), "%s/s", state.dir);
	snprintf(listen, sizeof(listen), "unix:%s", state.at.sun_path);
	state.event = must(loop_new(&err));
	state.http = must(http_new(state.event,
		&(struct http_options){
			.listen = listen, .authorize = authorize, .max_body = 5000 },
		&err));
	state.streamable = streamable_new(state.http, &handlers, NULL);
	state.sse = sse_new(state.http, &handlers, NULL);
	http_add_route(state.http,
		&(struct http_route){ .path = "/up", .run = run_upload, .streams_body = true });
	http_add_route(state.http,
		&(struct http_route){ .path = "/all", .run = run_all, .streams_body = true });
	atexit(stop);
}

static void turn(void)
{
	while (sd_event_run(state.event, 0) > 0) {
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (!state.event) {
		start();
	}
	if (len < 1) {
		return 0;
	}
	size_t piece = (size_t)bytes[0] * 4 + 1;
	bytes++;
	len--;
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(connect(fd, (void *)&state.at, sizeof(state.at)) == 0);
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		ssize_t taken = send(fd, bytes + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		turn();
		if (taken < 0) {
			break;
		}
	}
	close(take_fd(&fd));
	for (int i = 0; http_counts(state.http)->connections > 0; i++) {
		check(i < 3000);
		sd_event_run(state.event, 1000);
	}
	check(state.opened == state.closed && http_counts(state.http)->streams == 0);
	return 0;
}

// USES transport PkgConfig::curl
/* POST, GET and DELETE on /mcp: what becomes an answer, what a stream, and when it is over. */
#include "tests/support/http_fixture.h"

#define JSON "Content-Type: application/json\r\n"
#define SSE "Content-Type: text/event-stream\r\n"

static const struct transport *transport_of(struct transport_conn *conn)
{
	return conn->transport;
}

static void send_text(struct transport_conn *conn, const char *text)
{
	conn->transport->send(conn, text, strlen(text));
}

static void finish_text(struct transport_conn *conn, const char *text)
{
	conn->transport->finish(conn, text, strlen(text));
}

/* A POST whose message the handlers hold. */
static void ask_held(struct fixture *f, struct reply *r)
{
	int held = f->n_held;
	ask_begin(f, &(struct ask){ .body = "hold" }, r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	until(f, f->n_held > held);
}

Test(streamable, one_answer_is_json)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
	fetch(&f, &(struct ask){ .body = "{\"id\":1}" }, &r);
	cr_expect_eq(r.status, 200);
	cr_expect_str_eq(buf_text(&r.body), "{\"id\":1}");
	cr_expect(has(&r.head, JSON) && has(&r.head, "Content-Length: 8\r\n"));
	cr_expect_str_eq(f.owner, "alice");
	cr_expect_eq(f.kind, TRANSPORT_POST);
	ask_end(&f, &r);
	until(&f, f.closed == 1);
	fixture_end(&f);
}

Test(streamable, messages_before_the_last_make_a_stream)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
	ask_held(&f, &r);
	send_text(f.held[0], "{\"progress\":1}");
	until(&f, (is_done(&f, &r), has(&r.body, "\"progress\"")));
	cr_expect(has(&r.head, SSE) && has(&r.head, "X-Accel-Buffering: no"));
	cr_expect_not(r.done);
	cr_expect_str_eq(transport_of(f.held[0])->http->header(f.held[0], "content-type"),
		"application/json", "headers stay");
	send_text(f.held[0], "{\"progress\":2}");
	finish_text(f.held[0], "{\"id\":1}");
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.result, CURLE_OK);
	cr_expect_str_eq(buf_text(&r.body),
		"event: message\ndata: {\"progress\":1}\n\n"
		"event: message\ndata: {\"progress\":2}\n\nevent: message\ndata: {\"id\":1}\n\n");
	ask_end(&f, &r);
	until(&f, f.closed == 1);
	fixture_end(&f);
}

Test(streamable, statuses_and_headers)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
	ask_held(&f, &r);
	const struct transport_http *http = transport_of(f.held[0])->http;
	cr_expect_str_eq(http->header(f.held[0], "accept"), "application/json, text/event-stream");
	cr_expect_null(http->header(f.held[0], "Mcp-Method"));
	http->set_status(f.held[0], 404);
	http->set_header(f.held[0], "Mcp-Session-Id", "s1");
	finish_text(f.held[0], "{\"error\":{}}");
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.status, 404);
	cr_expect(has(&r.head, "Mcp-Session-Id: s1\r\n"));
	cr_expect_str_eq(buf_text(&r.body), "{\"error\":{}}");
	ask_end(&f, &r);
	fetch(&f, &(struct ask){ .body = "note" }, &r);
	cr_expect_eq(r.status, 202);
	cr_expect_eq(r.body.len, 0);
	ask_end(&f, &r);
	fixture_end(&f);
}

Test(streamable, what_comes_and_what_is_taken)
{
	struct fixture f = { 0 };
	fixture_begin(&f);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .plain = true }), 415);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .plain = true,
					   .headers = { "Content-Type: text/json" } }),
		415);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .plain = true,
					   .headers = { "Content-Type: application/json",
						   "Accept: text/html" } }),
		406);
	cr_expect_eq(f.opened, 0);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}",
				      .plain = true,
				      .headers = { "Content-Type: application/json; charset=utf-8",
					      "Accept:" } }),
		200);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "" }), 200, "the server judges it");
	fixture_end(&f);
}

Test(streamable, who_takes_a_stream)
{
	static const struct {
		const char *accept;
		bool takes;
	} rows[] = {
		{ "Accept: application/json, text/event-stream", true },
		{ "Accept: text/event-stream;q=0.5", true },
		{ "Accept: */*", true },
		{ "Accept: application/json", false },
		{ "Accept:", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f = { 0 };
		struct reply r;
		fixture_begin(&f);
		ask_begin(&f,
			&(struct ask){ .body = "hold",
				.plain = true,
				.headers = { "Content-Type: application/json", rows[i].accept } },
			&r);
		until(&f, f.n_held == 1);
		cr_expect_eq(transport_of(f.held[0])->http->takes_stream(f.held[0]), rows[i].takes,
			"%s", rows[i].accept);
		ask_end(&f, &r);
		fixture_end(&f);
	}
}

Test(streamable, a_get_is_a_stream)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
	ask_begin(&f, &(struct ask){ .method = "GET" }, &r);
	until(&f, f.conn && (is_done(&f, &r),
				    has(&r.head, SSE) && has(&r.head, "\r\nTransfer-Encoding")));
	cr_expect_eq(f.kind, TRANSPORT_STREAM);
	cr_expect_eq(r.body.len, 0, "nothing is there yet");
	cr_expect_eq(http_counts(f.http)->streams, 1);
	f.conn->transport->http->send_event(f.conn, NULL, NULL, 0, 0); /* it is open already */
	f.conn->transport->http->send_event(f.conn, "7", NULL, 0, 500);
	f.conn->transport->http->send_event(f.conn, "8", "{}", 2, 0);
	until(&f, has(&r.body, "{}"));
	cr_expect_str_eq(buf_text(&r.body),
		"retry: 500\nid: 7\ndata: \n\nevent: message\nid: 8\ndata: {}\n\n");
	until(&f, f.drained > 0);
	ask_end(&f, &r); /* the client leaves */
	until(&f, f.closed == 1);
	until(&f, http_counts(f.http)->streams == 0);
	fixture_end(&f);
}

Test(streamable, a_stream_is_not_silent_for_long)
{
	struct fixture f = { 0 };
	struct reply a, b;
	fixture_begin_with(&f, &(struct http_options){ .keep_alive_ms = 50 });
	ask_begin(&f, &(struct ask){ .method = "GET" }, &a);
	ask_begin(&f, &(struct ask){ .method = "GET" }, &b);
	until(&f, has(&a.body, ":\n\n:\n\n") && has(&b.body, ":\n\n:\n\n"));
	cr_expect_eq(f.drained, 0, "the server did not send that");
	ask_end(&f, &a);
	ask_end(&f, &b);
	until(&f, f.closed == 2);
	fixture_end(&f);
}

Test(streamable, a_get_and_a_delete_may_be_answered_by_a_status)
{
	struct fixture f = { .get_status = 405 };
	struct reply r;
	fixture_begin(&f);
	fetch(&f, &(struct ask){ .method = "GET" }, &r);
	cr_expect_eq(r.status, 405);
	cr_expect(has(&r.head, "Mcp-Session-Id: abc"));
	ask_end(&f, &r);
	fetch(&f, &(struct ask){ .method = "DELETE" }, &r);
	cr_expect_eq(r.status, 204);
	cr_expect_eq(f.kind, TRANSPORT_DELETE);
	ask_end(&f, &r);
	until(&f, f.closed == 2);
	fixture_end(&f);
}

/* ---- a client that goes away ---- */

Test(streamable, a_client_that_leaves_closes_its_request)
{
	struct fixture f = { 0 };
	struct reply a, b;
	fixture_begin(&f);
	ask_held(&f, &a);
	ask_held(&f, &b);
	cr_expect_eq(f.closed, 0);
	ask_end(&f, &a);
	until(&f, f.closed == 1);
	cr_expect(!f.held[0] && f.held[1], "its own and no other");
	finish_text(f.held[1], "{}");
	until(&f, is_done(&f, &b));
	cr_expect_eq(b.status, 200);
	ask_end(&f, &b);
	fixture_end(&f);
}

static int open_held(struct fixture *f)
{
	int held = f->n_held, fd = raw_open(f);
	raw_send(f, fd, RAW_POST "Content-Length: 4\r\n\r\nhold");
	until(f, f->n_held > held);
	return fd;
}

/* It is written to while it waits, and takes that; one that has closed its socket does not. */
Test(streamable, a_client_that_only_stops_writing_gets_its_answer)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	int fd = open_held(&f);
	shutdown(fd, SHUT_WR);
	raw_until(&f, fd, &got, "HTTP/1.1 100 Continue\r\n\r\n");
	fixture_settle(&f);
	cr_expect_eq(f.closed, 0);
	finish_text(f.held[0], "{\"late\":1}");
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "200 OK") && has(&got, "\r\n\r\n{\"late\":1}"), "%s", buf_text(&got));
	close(fd);
	until(&f, f.closed == 1);

	/* It may still close its socket, and says nothing then. */
	fd = open_held(&f);
	shutdown(fd, SHUT_WR);
	got.len = 0;
	raw_until(&f, fd, &got, "100 Continue");
	close(fd);
	until(&f, f.closed == 2);
	until(&f, http_counts(f.http)->connections == 0);

	/* HTTP/1.0 has nothing to ask with. */
	fd = raw_open(&f);
	raw_send(&f, fd,
		"POST /mcp HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer alices-token\r\n"
		"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nhold");
	until(&f, f.n_held == 3);
	shutdown(fd, SHUT_WR);
	until(&f, f.closed == 3);
	close(fd);

	/* What is answered at once gets its answer all the same. */
	fd = raw_open(&f);
	cr_assert_gt(send(fd, RAW_POST "Content-Length: 2\r\n\r\n{}",
			     strlen(RAW_POST "Content-Length: 2\r\n\r\n{}"), 0),
		0);
	shutdown(fd, SHUT_WR);
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "200 OK"));
	close(fd);
	fixture_end(&f);
}

Test(streamable, a_stream_goes_on_for_a_client_that_only_stops_writing)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	int fd = open_held(&f);
	f.held[0]->transport->send(f.held[0], "{\"n\":1}", 7);
	raw_until(&f, fd, &got, "{\"n\":1}");
	shutdown(fd, SHUT_WR);
	raw_until(&f, fd, &got, "\r\n:\n\n"); /* a comment, in a chunk */
	cr_expect_eq(f.closed, 0);
	f.held[0]->transport->send(f.held[0], "{\"n\":2}", 7);
	raw_until(&f, fd, &got, "{\"n\":2}");
	close(fd);
	until(&f, f.closed == 1);
	fixture_end(&f);
}

/* A unix socket tells the one from the other. */
Test(streamable, on_a_unix_socket_too)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	char listen[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 6];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof(to.sun_path), "/tmp/vitrine-half-%d", getpid());
	snprintf(listen, sizeof(listen), "unix:%s", to.sun_path);
	fixture_begin_with(&f, &(struct http_options){ .listen = listen });
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		cr_assert_eq(connect(fd, (void *)&to, sizeof(to)), 0);
		raw_send(&f, fd, RAW_POST "Content-Length: 4\r\n\r\nhold");
		until(&f, f.n_held == i + 1);
		if (i == 0) {
			shutdown(fd, SHUT_WR);
			fixture_settle(&f);
			cr_expect_eq(f.closed, 0);
			finish_text(f.held[0], "{}");
			raw_until(&f, fd, &got, "\r\n\r\n{}");
		}
		close(fd);
		until(&f, f.closed == i + 1);
	}
	fixture_end(&f);
}

Test(streamable, a_principal_whose_token_is_taken_back)
{
	struct fixture f = { 0 };
	struct reply bobs, stream, late;
	fixture_begin(&f);
	int fd = open_held(&f);
	ask_begin(&f, &(struct ask){ .method = "GET" }, &stream);
	until(&f, has(&stream.head, "text/event-stream"));
	ask_begin(&f, &(struct ask){ .body = "hold", .token = "bobs-token" }, &bobs);
	until(&f, f.n_held == 2);
	http_drop_owner(f.http, "alice");
	until(&f, f.closed == 2);
	cr_expect(!f.held[0] && f.held[1], "only hers");
	finish_text(f.held[1], "{}");
	until(&f, f.closed == 3);
	ask_begin(&f, &(struct ask){ .body = "hold" }, &late);
	until(&f, f.n_held == 3);
	close(fd);
	ask_end(&f, &stream);
	ask_end(&f, &bobs);
	ask_end(&f, &late);
	fixture_end(&f);
}

Test(streamable, a_reset_closes_a_request)
{
	struct fixture f = { 0 };
	static const struct linger hard = { .l_onoff = 1 };
	fixture_begin(&f);
	int fd = open_held(&f);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	until(&f, f.closed == 1);
	until(&f, http_counts(f.http)->connections == 0);
	fixture_end(&f);
}

Test(streamable, a_second_request_on_a_connection_is_watched_too)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	int fd = open_held(&f);
	finish_text(f.held[0], "{\"first\":1}");
	raw_until(&f, fd, &got, "first");
	raw_send(&f, fd, RAW_POST "Content-Length: 4\r\n\r\nhold");
	until(&f, f.n_held == 2);
	cr_expect_eq(http_counts(f.http)->connections, 1);
	close(fd);
	until(&f, f.closed == 2);
	fixture_end(&f);
}

/* ---- many on one connection ---- */

Test(streamable, pipelined_requests_are_answered_in_order)
{
	struct fixture f = { 0 };
	auto_buf struct buf all = { 0 }, got = { 0 };
	fixture_begin(&f);
	for (int i = 0; i < 50; i++) {
		buf_printf(&all, RAW_POST "Content-Length: 9\r\n\r\n[\"n%03d\"] ", i);
	}
	int fd = raw_open(&f);
	raw_send_len(&f, fd, buf_text(&all), all.len);
	raw_until(&f, fd, &got, "[\"n049\"]");
	const char *at = buf_text(&got);
	for (int i = 0; i < 50; i++) {
		char wanted[10];
		snprintf(wanted, sizeof(wanted), "n%03d", i);
		at = strstr(at, wanted);
		cr_assert(at, "%s is missing or comes too early", wanted);
	}
	cr_expect_eq(http_counts(f.http)->requests, 50);
	close(fd);
	until(&f, f.closed == 50);
	fixture_end(&f);
}

Test(streamable, a_pipelined_request_waits_for_the_one_before)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	int fd = raw_open(&f);
	raw_send(&f, fd,
		RAW_POST "Content-Length: 4\r\n\r\nhold" RAW_POST "Content-Length: 2\r\n\r\n{}");
	until(&f, f.n_held == 1);
	fixture_settle(&f);
	cr_expect_eq(f.messages, 1);
	cr_expect_eq(f.closed, 0);
	finish_text(f.held[0], "{\"first\":1}");
	raw_until(&f, fd, &got, "\r\n\r\n{}");
	close(fd);
	fixture_end(&f);
}

/* ---- back pressure ---- */

Test(streamable, pending_and_drained)
{
	struct fixture f = { 0 };
	static char text[4000000];
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	memset(text, '#', sizeof(text));
	int fd = open_held(&f);
	struct transport_conn *conn = f.held[0];
	conn->transport->send(conn, text, sizeof(text));
	conn->transport->send(conn, text, sizeof(text));
	fixture_settle(&f);
	cr_expect_gt(conn->transport->pending(conn), 1000000);
	cr_expect_eq(f.drained, 0);
	until(&f, (raw_read(fd, &got), f.drained == 1));
	cr_expect_eq(conn->transport->pending(conn), 0);
	finish_text(conn, "{\"last\":1}");
	raw_until(&f, fd, &got, "\r\n0\r\n\r\n");
	size_t n = 0;
	for (size_t i = 0; i < got.len; i++) {
		n += got.data[i] == '#';
	}
	cr_expect_eq(n, 2 * sizeof(text));
	close(fd);
	fixture_end(&f);
}

Test(streamable, a_reader_that_leaves_too_much_lying_is_cut_off)
{
	struct fixture f = { 0 };
	static char text[4000000];
	fixture_begin(&f);
	memset(text, 'x', sizeof(text));
	int fd = open_held(&f);
	struct transport_conn *conn = f.held[0];
	for (int i = 0; i < 12; i++) {
		conn->transport->send(conn, text, sizeof(text));
		cr_expect_leq(conn->transport->pending(conn), HTTP_STREAM_MAX + 1000);
		cr_assert_eq(f.closed, 0, "closed comes from the loop");
	}
	until(&f, f.closed == 1);
	until(&f, http_counts(f.http)->connections == 0);
	close(fd);
	fixture_end(&f);
}

Test(streamable, a_reader_that_takes_nothing_is_given_up)
{
	struct fixture f = { 0 };
	static char text[20000000];
	fixture_begin_with(&f, &(struct http_options){ .idle_timeout_ms = 1000 });
	int fd = open_held(&f);
	f.held[0]->transport->send(f.held[0], text, sizeof(text));
	until(&f, f.closed == 1);
	close(fd);
	fixture_end(&f);
}

Test(streamable, large_answers_are_whole)
{
	struct fixture f = { 0 };
	static char text[6000000];
	struct reply r;
	fixture_begin(&f);
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (char)('a' + i % 23);
	}
	fetch(&f, &(struct ask){ .body = text, .body_len = sizeof(text) }, &r);
	cr_expect_eq(r.body.len, sizeof(text));
	cr_expect_eq(memcmp(r.body.data, text, sizeof(text)), 0);
	ask_end(&f, &r);
	fixture_end(&f);
}

/* ---- the end ---- */

Test(streamable, the_server_ends_with_everything_open)
{
	struct fixture f = { 0 };
	struct reply held, stream, sent;
	int before = count_fds();
	fixture_begin(&f);
	ask_held(&f, &held);
	ask_held(&f, &sent);
	send_text(f.held[1], "{}");
	ask_begin(&f, &(struct ask){ .method = "GET" }, &stream);
	until(&f, http_counts(f.http)->streams == 2);
	ask_end(&f, &held);
	ask_end(&f, &stream);
	ask_end(&f, &sent);
	int closed = f.closed;
	fixture_end(&f);
	cr_expect_eq(f.closed, closed, "freed without a callback");
	cr_expect_eq(count_fds(), before);
}

Test(streamable, http_free_closes_what_is_open)
{
	struct fixture f = { 0 };
	struct reply held, stream;
	fixture_begin(&f);
	ask_held(&f, &held);
	ask_begin(&f, &(struct ask){ .method = "GET" }, &stream);
	until(&f, http_counts(f.http)->streams == 1);
	http_free(f.http);
	f.http = NULL;
	cr_expect_eq(f.closed, 2);
	ask_end(&f, &held);
	ask_end(&f, &stream);
	fixture_end(&f);
}

Test(streamable, tidying_up_after_the_loop_has_ended)
{
	struct fixture f = { 0 };
	struct reply held;
	fixture_begin(&f);
	ask_held(&f, &held);
	sd_event_exit(f.event, 0);
	while (sd_event_get_state(f.event) != SD_EVENT_FINISHED) {
		sd_event_run(f.event, 0);
	}
	ask_end(&f, &held);
	fixture_end(&f);
}

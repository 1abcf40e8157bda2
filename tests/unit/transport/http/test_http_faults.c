// USES transport PkgConfig::curl
/* Clients that are slow, gone, or talk nonsense: nothing crashes, nothing stays. */
#include "tests/support/http_fixture.h"

#define HEAD(length) RAW_POST "Content-Length: " length "\r\n\r\n"

/* Nobody is served any worse. */
static void expect_well(struct fixture *f)
{
	until(f, http_counts(f->http)->connections == 0);
	cr_expect_eq(f->closed, f->opened);
	cr_expect_eq(status_of(f, &(struct ask){ .body = "{}" }), 200);
}

/* ---- slow ---- */

Test(faults, half_a_head)
{
	static const char *const halves[] = { "", "P", "POST /mcp HTTP/1.1\r\n",
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ", RAW_POST };
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .header_timeout_ms = 200 });
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		raw_send(&f, fd, halves[i]);
		raw_until_closed(&f, fd, &got);
		close(fd);
	}
	cr_expect_eq(f.opened, 0);
	expect_well(&f);
	fixture_end(&f);
}

/* Sends a little again and again until the server has had enough. */
static void drip(struct fixture *f, int fd, const char *drop)
{
	auto_buf struct buf got = { 0 };
	uint64_t last = 0;
	until(f, raw_read(fd, &got))
	{
		if (loop_now_us() > last + 5000) {
			last = loop_now_us();
			send(fd, drop, strlen(drop), MSG_NOSIGNAL);
		}
	}
}

Test(faults, a_head_that_never_ends)
{
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .header_timeout_ms = 300 });
	int fd = raw_open(&f);
	raw_send(&f, fd, "GET /mcp HTTP/1.1\r\nHost: localhost\r\n");
	drip(&f, fd, "X");
	close(fd);
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, a_body_that_never_ends)
{
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .header_timeout_ms = 300 });
	int fd = raw_open(&f);
	raw_send(&f, fd, HEAD("8000000"));
	drip(&f, fd, "x");
	close(fd);
	fd = raw_open(&f);
	raw_send(&f, fd, RAW_POST "Transfer-Encoding: chunked\r\n\r\n");
	drip(&f, fd, "1\r\nx\r\n");
	close(fd);
	fd = raw_open(&f); /* refused already, but it goes on */
	raw_send(&f, fd, "POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n");
	drip(&f, fd, "x");
	close(fd);
	cr_expect_eq(f.messages, 0);
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, an_idle_connection_is_closed)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .idle_timeout_ms = 1000 });
	int fd = raw_open(&f);
	raw_send(&f, fd, HEAD("2") "{}");
	raw_until(&f, fd, &got, "200 OK");
	raw_until_closed(&f, fd, &got);
	close(fd);
	/* And one that begins its next request but does not go on with it. */
	fd = raw_open(&f);
	raw_send(&f, fd,
		HEAD("2") "{}"
			  "POST /m");
	raw_until_closed(&f, fd, &got);
	close(fd);
	expect_well(&f);
	fixture_end(&f);
}

/* ---- gone ---- */

Test(faults, gone_in_the_middle_of_a_body)
{
	struct fixture f = { 0 };
	static const struct linger hard = { .l_onoff = 1 };
	fixture_begin(&f);
	for (int i = 0; i < 40; i++) {
		int fd = raw_open(&f);
		raw_send(&f, fd, HEAD("100000"));
		for (int k = 0; k < i; k++) {
			raw_send(&f, fd, "some of the body, but never all of it");
		}
		if (i % 2) {
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		}
		close(fd);
	}
	cr_expect_eq(f.messages, 0);
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, gone_in_the_middle_of_an_answer)
{
	struct fixture f = { 0 };
	static char text[4000000];
	memset(text, 'x', sizeof(text));
	fixture_begin(&f);
	for (int i = 0; i < 6; i++) {
		struct reply r;
		ask_begin(&f, &(struct ask){ .body = text, .body_len = sizeof(text) }, &r);
		until(&f, r.body.len > (size_t)i * 10000 && f.messages == i + 1);
		ask_end(&f, &r);
	}
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, gone_in_the_middle_of_a_stream)
{
	struct fixture f = { 0 };
	static char text[1000000];
	memset(text, 'x', sizeof(text));
	fixture_begin(&f);
	for (int i = 0; i < 6; i++) {
		struct reply r;
		ask_begin(&f, &(struct ask){ .body = "hold" }, &r);
		until(&f, f.n_held == i + 1);
		f.held[i]->transport->send(f.held[i], text, sizeof(text));
		until(&f, r.body.len > 0);
		f.held[i]->transport->send(f.held[i], text, sizeof(text));
		ask_end(&f, &r);
		/* The server goes on sending: it does not know yet. */
		for (int k = 0; k < 8 && f.held[i]; k++) {
			f.held[i]->transport->send(f.held[i], text, sizeof(text));
			fixture_turn(&f);
		}
		until(&f, f.closed == i + 1);
	}
	expect_well(&f);
	fixture_end(&f);
}

/* ---- nonsense ---- */

Test(faults, malformed_chunks)
{
	static const char *const wrong[] = { "x\r\n{}\r\n0\r\n\r\n", "-1\r\n{}\r\n",
		"2\r\n{}zz\r\n0\r\n\r\n", "2{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}",
		"7fffffffffffffff\r\n{}", "\r\n\r\n", "2;ext=\"\r\n{}\r\n0\r\n",
		" 2\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n" };
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .header_timeout_ms = 300 });
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		raw_send(&f, fd, RAW_POST "Transfer-Encoding: chunked\r\n\r\n");
		raw_send(&f, fd, wrong[i]);
		raw_until_closed(&f, fd, &got);
		cr_expect_not(has(&got, "200 OK"), "%zu", i);
		close(fd);
	}
	cr_expect_eq(f.messages, 0);
	auto_buf struct buf got = { 0 };
	int fd = raw_open(&f);
	raw_send(&f, fd,
		RAW_POST "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n");
	raw_until(&f, fd, &got, "\r\n\r\n{}");
	close(fd);
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, no_http_at_all)
{
	static const char *const wrong[] = { "\r\n\r\n\r\n\r\n", "hello\r\n\r\n",
		"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello \r\n\r\n", "GET\r\n\r\n",
		"GET /mcp\r\n\r\n", "GET /mcp HTTP/9.9\r\n\r\n",
		"GET /mcp HTTP/1.1\r\nHost\r\n\r\n", "GET /mcp HTTP/1.1\r\n: x\r\n\r\n",
		"GET /mcp HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"{\"jsonrpc\":\"2.0\"}\r\n\r\n",
		"GET http://evil.example/mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n" };
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .header_timeout_ms = 300 });
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		raw_send(&f, fd, wrong[i]);
		fixture_settle(&f);
		close(fd);
	}
	cr_expect_eq(f.opened, 0);
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, nonsense_after_a_good_request)
{
	struct fixture f = { 0 };
	fixture_begin_with(
		&f, &(struct http_options){ .header_timeout_ms = 300, .idle_timeout_ms = 1000 });
	for (int i = 0; i < 20; i++) {
		auto_buf struct buf got = { 0 };
		char junk[300];
		for (size_t k = 0; k < sizeof(junk); k++) {
			junk[k] = (char)(i * 37 + (int)k * (i + 11));
		}
		int fd = raw_open(&f);
		raw_send(&f, fd, HEAD("2") "{}");
		raw_send_len(&f, fd, junk, sizeof(junk));
		raw_send(&f, fd, "\r\n\r\n");
		raw_until_closed(&f, fd, &got);
		cr_expect(has(&got, "200 OK"));
		close(fd);
	}
	cr_expect_eq(f.messages, 20);
	expect_well(&f);
	fixture_end(&f);
}

/* Good requests with a few bytes changed: whatever they are now, each gets an answer or an end. */
Test(faults, requests_with_bytes_changed)
{
	static const char good[] = "POST /messages?sessionId=abc HTTP/1.1\r\nHost: localhost:80\r\n"
				   "Origin: http://localhost\r\nAccept: */*;q=1\r\n"
				   "Authorization: Bearer alices-token\r\n"
				   "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
	struct fixture f = { 0 };
	unsigned state = 4711;
	fixture_begin_with(&f, &(struct http_options){ .header_timeout_ms = 5000 });
	for (int i = 0; i < 600; i++) {
		char bytes[sizeof(good)];
		memcpy(bytes, good, sizeof(good));
		for (int k = 0; k < 3; k++) {
			state = state * 1103515245 + 12345;
			bytes[(state >> 8) % (sizeof(good) - 1)] = (char)(state >> 24);
		}
		int fd = raw_open(&f);
		raw_send_len(&f, fd, bytes, sizeof(good) - 1);
		fixture_turn(&f);
		close(fd);
	}
	expect_well(&f);
	fixture_end(&f);
}

/* ---- many ---- */

#define WAVE 100

Test(faults, ten_thousand_connections)
{
	struct fixture f = { 0 };
	fixture_begin(&f);
	fixture_settle(&f);
	int before = count_fds(), fds[WAVE];
	for (int wave = 0; wave < 10000 / WAVE; wave++) {
		for (int i = 0; i < WAVE; i++) {
			fds[i] = raw_open(&f);
			if (i % 4 == 1) { /* the others: nothing, half a head, half a body */
				send(fds[i], HEAD("2") "{}", strlen(HEAD("2") "{}"), MSG_NOSIGNAL);
			} else if (i % 4 > 1) {
				send(fds[i], HEAD("9") "{}",
					i % 4 == 2 ? 30 : strlen(HEAD("9") "{}"), MSG_NOSIGNAL);
			}
		}
		until(&f, http_counts(f.http)->connections == WAVE &&
				  f.messages == (wave + 1) * WAVE / 4);
		for (int i = 0; i < WAVE; i++) {
			close(fds[i]);
		}
		until(&f, http_counts(f.http)->connections == 0);
	}
	cr_expect_eq(f.messages, 2500);
	cr_expect_eq(f.closed, 2500);
	cr_expect_eq(count_fds(), before);
	expect_well(&f);
	fixture_end(&f);
}

Test(faults, hundreds_of_idle_streams)
{
	struct fixture f = { 0 };
	static int fds[400];
	size_t n = sizeof(fds) / sizeof(fds[0]);
	fixture_begin_with(&f, &(struct http_options){ .max_connections_per_address = 1000 });
	for (size_t i = 0; i < n; i++) {
		static const char get[] = "GET /sse HTTP/1.1\r\nHost: localhost\r\n"
					  "Authorization: Bearer alices-token\r\n\r\n";
		fds[i] = raw_open(&f);
		raw_send(&f, fds[i], get);
	}
	until(&f, http_counts(f.http)->streams == n);
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf got = { 0 };
		raw_until(&f, fds[i], &got, "event: endpoint");
		close(fds[i]);
	}
	until(&f, f.closed == (int)n);
	expect_well(&f);
	fixture_end(&f);
}

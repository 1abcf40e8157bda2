// USES transport PkgConfig::curl
/* Heads and lengths: what is malformed, ambiguous or too long is refused before it is looked at. */
#include "tests/support/http_fixture.h"

/* ---- heads ---- */

#define LINES \
	"Host: localhost\r\nAuthorization: Bearer alices-token\r\n" \
	"Content-Type: application/json\r\n"
#define HIDDEN "POST /mcp HTTP/1.1\r\n" LINES "Content-Length: 2\r\n\r\n{}"

struct head {
	const char *bytes;
	size_t len;
};
#define HEAD(text) \
	{ \
		text, sizeof(text) - 1 \
	}

static int count_text(const struct buf *in, const char *text)
{
	int n = 0;
	for (const char *at = buf_text(in); (at = strstr(at, text)); at++) {
		n++;
	}
	return n;
}

/* What a proxy may read in another way than we do is not read at all. */
Test(http_head, malformed_heads)
{
	static const struct head wrong[] = {
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "Content-Length : 100\r\n\r\n" HIDDEN),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "Content-Length\t: 100\r\n\r\n" HIDDEN),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "Transfer-Encoding : chunked\r\n\r\n" HIDDEN),
		HEAD("POST /mcp HTTP/1.1\n" LINES "Content-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "Content-Length: 2\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X: y\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "Content-Length: 2\r\n\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X: a\rContent-Length: 2\r\n\r\n" HIDDEN),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X\0: a\r\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "Content-Length: 2\0\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "\0X: a\r\nContent-Length: 2\r\n\r\n" HIDDEN),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X: a\x01\r\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X: a\x7f\r\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp HTTP/1.1\r\n" LINES "(X): a\r\nContent-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp\0x HTTP/1.1\r\n" LINES "Content-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp?x=\0y HTTP/1.1\r\n" LINES "Content-Length: 2\r\n\r\n{}"),
		HEAD("POST /mcp?\r=1 HTTP/1.1\r\n" LINES "Content-Length: 2\r\n\r\n{}"),
		HEAD("POST http:///mcp HTTP/1.1\r\n" LINES "Content-Length: 2\r\n\r\n{}"),
	};
	struct fixture f = { 0 };
	fixture_begin(&f);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		raw_send_len(&f, fd, wrong[i].bytes, wrong[i].len);
		raw_until_closed(&f, fd, &got);
		cr_expect_eq(strncmp(buf_text(&got), "HTTP/1.1 400 ", 13), 0, "%zu: %s", i,
			buf_text(&got));
		cr_expect_eq(count_text(&got, "HTTP/1.1"), 1, "%zu: one answer", i);
		close(fd);
	}
	cr_expect_eq(f.opened, 0);
	fixture_end(&f);
}

Test(http_head, heads_that_are_unusual_and_right)
{
	static char many[9000] = "POST /mcp?a=b%20c&d HTTP/1.1\r\n" LINES;
	struct fixture f = { 0 };
	size_t len = strlen(many);
	fixture_begin(&f);
	for (int i = 0; i < 60; i++) {
		len += (size_t)snprintf(many + len, sizeof(many) - len, "X-%d: %*d\r\n", i, i, i);
	}
	snprintf(many + len, sizeof(many) - len, "Cookie: a=b; c=d\r\nContent-Length: 2\r\n\r\n{}");
	const char *const right[] = { many,
		"POST /mcp HTTP/1.1\r\n" LINES "X:\r\nY:  \r\nContent-Length: 2\r\n\r\n{}",
		"POST /mcp HTTP/1.1\r\n" LINES "X:y \t \r\nContent-Length:2\r\n\r\n{}",
		"\r\nPOST /mcp HTTP/1.1\r\nContent-Length: 2\r\n" LINES "\r\n{}",
		"POST /%6dcp HTTP/1.1\r\nX: caf\xc3\xa9 \xe9\r\nContent-Length: 2\r\n" LINES
		"\r\n{}" };
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		auto_buf struct buf whole = { 0 }, slow = { 0 };
		int fd = raw_open(&f);
		raw_send(&f, fd, right[i]);
		raw_until(&f, fd, &whole, "\r\n\r\n{}");
		for (const char *at = right[i]; *at; at++) { /* on the same connection */
			raw_send_len(&f, fd, at, 1);
		}
		raw_until(&f, fd, &slow, "\r\n\r\n{}");
		close(fd);
	}
	auto_buf struct buf got = { 0 };
	int fd = raw_open(&f);
	raw_send(&f, fd, HIDDEN HIDDEN HIDDEN); /* pipelined */
	until(&f, (raw_read(fd, &got), count_text(&got, "200 OK") == 3));
	got.len = 0;
	raw_send(&f, fd, "GET /mcp HTTP/1.0\r\n\r\n");
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, " 403 "), "without any header: %s", buf_text(&got));
	close(fd);
	fixture_end(&f);
}

/* ---- sizes ---- */

Test(http_head, bodies_that_are_too_long)
{
	struct fixture f = { 0 };
	static char big[3000000];
	struct reply r;
	memset(big, 'x', sizeof(big));
	fixture_begin_with(&f, &(struct http_options){ .max_body = 1000000 });
	struct ask ask = { .body = big, .body_len = 1000000 };
	fetch(&f, &ask, &r);
	cr_expect_eq(r.status, 200);
	cr_expect_eq(r.body.len, 1000000, "just as long as it may be");
	ask_end(&f, &r);
	ask.body_len++;
	fetch(&f, &ask, &r);
	cr_expect_eq(r.status, 413);
	cr_expect(has(&r.body, "1000000 bytes; this one has 1000001"), "%s", buf_text(&r.body));
	ask_end(&f, &r);
	ask.body_len = sizeof(big);
	ask.headers[0] = "Expect:";
	cr_expect_eq(status_of(&f, &ask), 413, "also when it is sent without asking");
	ask.headers[1] = "Transfer-Encoding: chunked";
	cr_expect_eq(status_of(&f, &ask), 413, "as soon as the bytes say so");
	cr_expect_eq(f.opened, 1);
	cr_expect_eq(http_counts(f.http)->rejected_size, 3);
	fixture_end(&f);
}

Test(http_head, a_refusal_waits_for_a_short_body)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	int fd = raw_open(&f);
	raw_send(&f, fd, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
	fixture_settle(&f);
	cr_expect_not(raw_read(fd, &got));
	cr_expect_eq(got.len, 0);
	raw_send(&f, fd, "cde");
	raw_until(&f, fd, &got, "401 Unauthorized");
	raw_send(&f, fd, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fd, &got, "200 OK");
	close(fd);
	fixture_end(&f);
}

Test(http_head, heads_that_are_too_long)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	static char line[40000] = "X: ";
	fixture_begin(&f);
	memset(line + 3, 'y', sizeof(line) - 4);
	int fd = raw_open(&f);
	raw_send(&f, fd, "GET /mcp HTTP/1.1\r\nHost: localhost\r\n");
	raw_send(&f, fd, line);
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "HTTP/1.1 431 "), "%s", buf_text(&got));
	close(fd);
	fixture_end(&f);
}

Test(http_head, one_way_to_say_how_long_a_body_is)
{
	static const char *const wrong[] = {
		"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"Content-Length: 2, 2\r\n\r\n{}",
		"Content-Length: -2\r\n\r\n{}",
		"Content-Length: 99999999999999999999999\r\n\r\n{}",
		"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: identity\r\n\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	};
	struct fixture f = { 0 };
	fixture_begin(&f);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_buf struct buf got = { 0 };
		int fd = raw_open(&f);
		raw_send(&f, fd, RAW_POST);
		raw_send(&f, fd, wrong[i]);
		raw_until_closed(&f, fd, &got);
		cr_expect(has(&got, "HTTP/1.1 4") && !has(&got, " 404 "), "%zu: %s", i,
			buf_text(&got));
		close(fd);
	}
	cr_expect_eq(f.messages, 0);
	fixture_end(&f);
}

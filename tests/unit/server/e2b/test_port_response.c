// USES server
/* Responses of programs in a sandbox: what is read of good ones, in pieces of any size, and which are
 * refused. */
#include "server/e2b/ports/response.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>

static void add_header(const char *name, const char *value, void *data)
{
	buf_printf(data, "%s=%s;", name, value);
}

static bool add_piece(struct port_response *r, struct buf *out, enum port_piece piece,
	const struct port_span *body)
{
	switch (piece) {
	case PORT_HEAD:
		buf_printf(out, "%d %lld ", r->status, (long long)r->length);
		port_response_each(r, add_header, out);
		buf_printf(out, "|");
		return true;
	case PORT_BODY:
	case PORT_RAW:
		buf_append(out, body->bytes, body->len);
		return true;
	default:
		buf_printf(out, piece == PORT_END ? "|end" : piece == PORT_BAD ? "|bad" : "");
		return false;
	}
}

/* What is read of a text that comes in pieces of n bytes, after which the program closes. */
static void read_text(const char *text, size_t n, bool is_for_head, struct buf *out)
{
	struct port_response r = { .is_for_head = is_for_head };
	size_t left = strlen(text);
	enum port_piece piece = PORT_MORE;
	struct port_span body;
	struct err err;
	while (piece == PORT_MORE) {
		size_t len = left < n ? left : n;
		const uint8_t *at = (const uint8_t *)text;
		text += len;
		left -= len;
		do {
			piece = port_response_next(&r, &at, &len, &body, &err);
		} while (add_piece(&r, out, piece, &body));
		if (piece == PORT_MORE && left == 0) {
			piece = port_response_close(&r, &err);
			add_piece(&r, out, piece, &body);
		}
	}
	port_response_done(&r);
}

static void expect(const char *text, bool is_for_head, const char *wanted)
{
	for (size_t n = 1; n <= strlen(text); n++) {
		auto_buf struct buf out = { 0 };
		read_text(text, n, is_for_head, &out);
		cr_assert_str_eq(buf_text(&out), wanted, "in pieces of %zu: %s: %s", n, text,
			buf_text(&out));
	}
}

Test(port_response, bodies_have_a_length_or_chunks_or_an_end)
{
	expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", false,
		"200 5 |hello|end");
	expect("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", false, "200 0 ||end");
	expect("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n"
	       "0\r\nX-Trailer: 1\r\n\r\n",
		false, "200 -1 |abc0123456789|end");
	expect("HTTP/1.0 404 Not Found\r\n\r\nall of it", false, "404 -1 |all of it|end");
}

Test(port_response, some_have_no_body)
{
	expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, "200 5 ||end");
	expect("HTTP/1.1 204 No Content\r\n\r\n", false, "204 -1 ||end");
	expect("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", false, "304 5 ||end");
}

Test(port_response, headers_are_passed_on_in_order_except_those_of_the_connection)
{
	expect("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nConnection: close, X-Mine\r\nX-mine: 1\r\n"
	       "Keep-Alive: timeout=5\r\nSet-Cookie:  b=2 \t\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
		false, "200 0 Set-Cookie=a=1;Set-Cookie=b=2;X-Empty=;||end");
}

Test(port_response, interim_responses_are_skipped)
{
	expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
		false, "200 1 |x|end");
	expect("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw bytes", false,
		"101 -1 |raw bytes|end");
}

Test(port_response, what_has_two_meanings_is_refused)
{
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\r\nA: b\rContent-Length: 0\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"",
		"HTTP/1.1 200 OK\r\nContent-Le",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect(bad[i], false, *bad[i] ? "|bad" : "");
	}
}

Test(port_response, bodies_that_are_cut_or_wrong_are_refused)
{
	expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, "200 5 |hell|bad");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", false,
		"200 -1 |ab|bad");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", false,
		"200 -1 |ab|bad");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false,
		"200 -1 ||bad");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n123456789\r\n", false,
		"200 -1 ||bad");
	expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 x\r\nabc\r\n", false,
		"200 -1 ||bad");
}

Test(port_response, heads_and_lines_have_a_maximum)
{
	auto_buf struct buf text = { 0 }, out = { 0 };
	buf_printf(&text, "HTTP/1.1 200 OK\r\nA: ");
	for (size_t i = 0; i < PORT_LINE_MAX; i++) {
		buf_append(&text, "x", 1);
	}
	read_text(buf_text(&text), 1000, false, &out);
	cr_expect_str_eq(buf_text(&out), "|bad");
	text.len = out.len = 0;
	buf_printf(&text, "HTTP/1.1 200 OK\r\n");
	while (text.len < PORT_HEAD_MAX) {
		buf_printf(&text, "A: a header that is not long\r\n");
	}
	buf_printf(&text, "\r\n");
	read_text(buf_text(&text), 1000, false, &out);
	cr_expect_str_eq(buf_text(&out), "|bad");
}

// USES transport PkgConfig::curl
/* What a request must pass before its message is looked at, and where the server listens. */
#include "http_fixture.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- the gate ---- */

Test(http, tokens)
{
	struct fixture f = { 0 };
	begin(&f);
	struct reply r;
	fetch(&f, &(struct ask){ .body = "{}", .token = "" }, &r);
	cr_expect_eq(r.status, 401);
	cr_expect(has(&r.head, "\r\nWWW-Authenticate: Bearer\r\n"), "%s", buf_text(&r.head));
	cr_expect(has(&r.body, "\"jsonrpc\":\"2.0\"") && has(&r.body, "Authorization: Bearer"));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "wrong" }), 401);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "alices-token x" }), 401);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .headers = { "authorization: Bearer bobs-token" } }),
		401, "two tokens are none");
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/mcp?token=alices-token",
					   .body = "{}",
					   .token = "" }),
		401, "never in a query");
	cr_expect_eq(f.opened, 0);
	cr_expect_eq(http_counts(f.http)->rejected_auth, 5);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "bobs-token" }), 200);
	cr_expect_str_eq(f.owner, "bob");
	end(&f);
}

Test(http, protected_resource_metadata_is_named)
{
	struct fixture f = { 0 };
	begin_with(&f, &(struct http_options){
			       .resource_metadata = "/meta", .allow_hosts = "desk.example" });
	struct reply r;
	fetch(&f,
		&(struct ask){ .body = "{}", .token = "", .headers = { "Host: desk.example:81" } },
		&r);
	cr_expect(has(&r.head, "Bearer resource_metadata=\"http://desk.example:81/meta\""), "%s",
		buf_text(&r.head));
	ask_end(&f, &r);
	end(&f);
}

Test(http, hosts)
{
	struct fixture f = { 0 };
	begin_with(&f, &(struct http_options){ .allow_hosts = "desk.example" });
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .headers = { "Host: evil.example" } }),
		403);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/none",
					   .token = "",
					   .headers = { "Host: localhost.evil.example:80" } }),
		403, "before anything else");
	cr_expect_eq(http_counts(f.http)->rejected_host, 2);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .headers = { "Host: desk.example" } }),
		200);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .headers = { "Host: [::1]:1" } }), 200);
	end(&f);
}

Test(http, origins)
{
	struct fixture f = { 0 };
	struct reply r;
	begin_with(&f, &(struct http_options){ .allow_origins = "https://ok.example" });
	fetch(&f, &(struct ask){ .body = "{}", .headers = { "Origin: http://evil.example" } }, &r);
	cr_expect_eq(r.status, 403);
	cr_expect_not(has(&r.head, "Access-Control"), "a page may not read why");
	ask_end(&f, &r);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .headers = { "Origin: null" } }), 403);
	cr_expect_eq(http_counts(f.http)->rejected_origin, 2);
	fetch(&f, &(struct ask){ .body = "{}", .headers = { "Origin: https://ok.example" } }, &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "Access-Control-Allow-Origin: https://ok.example\r\n"));
	cr_expect(has(&r.head, "Vary: Origin") && has(&r.head, "Mcp-Session-Id"));
	ask_end(&f, &r);
	fetch(&f,
		&(struct ask){
			.body = "{}", .token = "", .headers = { "Origin: http://localhost:6274" } },
		&r);
	cr_expect_eq(r.status, 401);
	cr_expect(has(&r.head, "Access-Control-Allow-Origin"), "a page may read what is missing");
	ask_end(&f, &r);
	end(&f);
}

Test(http, preflight)
{
	struct fixture f = { 0 };
	struct reply r;
	begin(&f);
	fetch(&f,
		&(struct ask){ .method = "OPTIONS",
			.token = "",
			.plain = true,
			.headers = { "Origin: http://localhost:6274",
				"Access-Control-Request-Method: POST",
				"Access-Control-Request-Headers: authorization,mcp-name" } },
		&r);
	cr_expect_eq(r.status, 204);
	cr_expect(has(&r.head, "Access-Control-Allow-Headers: authorization,mcp-name"));
	cr_expect(has(&r.head, "Access-Control-Allow-Methods: POST, GET, DELETE"));
	cr_expect(has(&r.head, "Access-Control-Allow-Origin: http://localhost:6274"));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .method = "OPTIONS",
					   .headers = { "Origin: https://evil.example" } }),
		403);
	cr_expect_eq(status_of(&f, &(struct ask){ .method = "OPTIONS" }), 405);
	end(&f);
}

Test(http, places_and_methods)
{
	struct fixture f = { 0 };
	struct reply r;
	begin(&f);
	static const char *const none[] = { "/", "//", "/mcp//", "/mcp/x", "/mcp%00",
		"/.well-known/x", "/mcpx", "/sse/../mcp", "/%2e%2e/mcp" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		fetch(&f, &(struct ask){ .path = none[i], .token = "" }, &r);
		cr_expect_eq(r.status, 404, "%s gave %ld", none[i], r.status);
		cr_expect(has(&r.head, "application/json"));
		ask_end(&f, &r);
	}
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/%6dcp", .body = "{}" }), 200);
	fetch(&f, &(struct ask){ .method = "PUT", .body = "{}", .token = "" }, &r);
	cr_expect_eq(r.status, 405);
	cr_expect(has(&r.head, "Allow: POST, GET, DELETE, OPTIONS\r\n"), "%s", buf_text(&r.head));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .method = "GET", .path = "/messages" }), 405);
	end(&f);
}

Test(http, places_as_people_write_them)
{
	struct fixture f = { 0 };
	struct reply r;
	auto_buf struct buf got = { 0 };
	begin(&f);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/mcp/", .body = "{}" }), 200);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .path = "/mcp/", .body = "{}", .token = "" }), 401);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/sse/", .body = "{}" }), 405);
	fetch(&f, &(struct ask){ .path = "/", .body = "{}" }, &r);
	cr_expect_eq(r.status, 404);
	cr_expect(has(&r.body, "MCP is at /mcp"), "%s", buf_text(&r.body));
	ask_end(&f, &r);
	http_add_route(f.http, &(struct http_route){ .method = "GET", .path = "/", .open = true });
	fetch(&f, &(struct ask){ .path = "/", .body = "{}" }, &r);
	cr_expect_eq(r.status, 405);
	cr_expect(has(&r.body, "MCP is at /mcp"), "%s", buf_text(&r.body));
	ask_end(&f, &r);
	int fd = raw_open(&f);
	raw_send(&f, fd,
		"POST http://localhost:1/mcp HTTP/1.1\r\nHost: localhost\r\n"
		"Authorization: Bearer alices-token\r\nContent-Type: application/json\r\n"
		"Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fd, &got, "200 OK");
	got.len = 0;
	raw_send(&f, fd, "GET http://evil.example/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n");
	raw_until(&f, fd, &got, "403 Forbidden");
	close(fd);
	end(&f);
}

Test(http, a_body_in_a_coding_is_told_what_to_be)
{
	struct fixture f = { 0 };
	struct reply r;
	begin(&f);
	fetch(&f, &(struct ask){ .body = "\x1f\x8b", .headers = { "Content-Encoding: gzip" } }, &r);
	cr_expect_eq(r.status, 415);
	cr_expect(has(&r.head, "\r\nAccept-Encoding: identity\r\n"), "%s", buf_text(&r.head));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .headers = { "Content-Encoding: identity" } }),
		200);
	end(&f);
}

static void run_ok(struct http_exchange *x, void *data)
{
	(void)data;
	http_reply(x, 200, NULL, NULL, 0);
}

Test(http, a_probe_comes_by_any_address)
{
	struct fixture f = { 0 };
	begin(&f);
	http_add_route(f.http,
		&(struct http_route){
			.path = "/probe", .open = true, .run = run_ok, .any_address = true });
	struct ask ask = { .path = "/probe", .token = "" };
	static const char *const good[] = { "Host: 10.244.1.7:8765", "Host: 10.244.1.7",
		"Host: [fd00::17]:8765", "Host: localhost" };
	static const char *const bad[] = { "Host: evil.example", "Host: 10.244.1.7.evil.example",
		"Host: 10.244.1", "Host: 10.244.1.7:x" };
	for (size_t i = 0; i < 4; i++) {
		ask.headers[0] = good[i];
		cr_expect_eq(status_of(&f, &ask), 200, "%s", good[i]);
		ask.headers[0] = bad[i];
		cr_expect_eq(status_of(&f, &ask), 403, "%s", bad[i]);
	}
	cr_expect_eq(status_of(&f,
			     &(struct ask){ .body = "{}", .headers = { "Host: 10.244.1.7:8765" } }),
		403, "only probes");
	end(&f);
}

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
Test(http, malformed_heads)
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
	begin(&f);
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
	end(&f);
}

Test(http, heads_that_are_unusual_and_right)
{
	static char many[9000] = "POST /mcp?a=b%20c&d HTTP/1.1\r\n" LINES;
	struct fixture f = { 0 };
	size_t len = strlen(many);
	begin(&f);
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
	end(&f);
}

/* ---- sizes ---- */

Test(http, bodies_that_are_too_long)
{
	struct fixture f = { 0 };
	static char big[3000000];
	struct reply r;
	memset(big, 'x', sizeof(big));
	begin_with(&f, &(struct http_options){ .max_body = 1000000 });
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
	end(&f);
}

Test(http, a_refusal_waits_for_a_short_body)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	begin(&f);
	int fd = raw_open(&f);
	raw_send(&f, fd, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
	settle(&f);
	cr_expect_not(raw_read(fd, &got));
	cr_expect_eq(got.len, 0);
	raw_send(&f, fd, "cde");
	raw_until(&f, fd, &got, "401 Unauthorized");
	raw_send(&f, fd, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fd, &got, "200 OK");
	close(fd);
	end(&f);
}

Test(http, heads_that_are_too_long)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	static char line[40000] = "X: ";
	begin(&f);
	memset(line + 3, 'y', sizeof(line) - 4);
	int fd = raw_open(&f);
	raw_send(&f, fd, "GET /mcp HTTP/1.1\r\nHost: localhost\r\n");
	raw_send(&f, fd, line);
	raw_until_closed(&f, fd, &got);
	cr_expect(has(&got, "HTTP/1.1 431 "), "%s", buf_text(&got));
	close(fd);
	end(&f);
}

Test(http, one_way_to_say_how_long_a_body_is)
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
	begin(&f);
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
	end(&f);
}

/* ---- caps ---- */

/* A request that is being worked on. */
static int open_held(struct fixture *f, const char *token)
{
	char head[300];
	int fd = raw_open(f), held = f->n_held;
	snprintf(head, sizeof(head),
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nhold",
		token);
	raw_send(f, fd, head);
	until(f, f->n_held == held + 1);
	return fd;
}

Test(http, a_connection_too_many_is_told)
{
	struct fixture f = { 0 };
	int fds[3];
	struct reply r;
	begin_with(&f, &(struct http_options){ .max_connections = 3 });
	for (int i = 0; i < 3; i++) {
		fds[i] = open_held(&f, "alices-token");
	}
	fetch(&f, &(struct ask){ .body = "{}" }, &r);
	cr_expect_eq(r.status, 503);
	cr_expect(has(&r.head, "Retry-After: 1\r\n"));
	ask_end(&f, &r);
	cr_expect_eq(http_counts(f.http)->rejected_busy, 1);
	cr_expect_eq(f.closed, 0, "what is being worked on is not given up for it");
	close(fds[0]);
	until(&f, http_counts(f.http)->connections < 3);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	close(fds[1]);
	close(fds[2]);
	end(&f);
}

Test(http, the_server_never_holds_many_more_than_its_cap)
{
	struct fixture f = { 0 };
	static int fds[150];
	begin_with(&f, &(struct http_options){ .max_connections = 10 });
	unsigned most = 0;
	for (int i = 0; i < 150; i++) {
		fds[i] = raw_open(&f);
		turn(&f);
		unsigned now = http_counts(f.http)->connections;
		most = now > most ? now : most;
	}
	cr_expect_leq(most, 10 + 64);
	until(&f, http_counts(f.http)->connections <= 10);
	for (int i = 0; i < 150; i++) {
		close(fds[i]);
	}
	until(&f, http_counts(f.http)->connections == 0);
	end(&f);
}

static void answer_ok(struct http_exchange *x, void *data)
{
	(void)data;
	http_reply(x, 200, NULL, NULL, 0);
}

/* The ways to hold a connection without a token: nothing, half a head, a request that was answered,
 * the body of one that is refused.  None of them keeps anybody out. */
Test(http, idle_connections_without_a_token_make_room)
{
	static const char *const ways[] = { "", "GET /open HTTP/1.1\r\nHost: loc",
		"GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n" };
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		struct fixture f = { 0 };
		auto_buf struct buf got = { 0 };
		int idle[40];
		begin_with(&f, &(struct http_options){ .max_connections = 8 });
		http_add_route(f.http,
			&(struct http_route){ .path = "/open", .open = true, .run = answer_ok });
		int held = open_held(&f, "alices-token"), known = raw_open(&f);
		raw_send(&f, known, RAW_POST "Content-Length: 2\r\n\r\n{}");
		raw_until(&f, known, &got, "200 OK");
		for (int i = 0; i < 40; i++) {
			idle[i] = raw_open(&f);
			raw_send(&f, idle[i], ways[way]);
			turn(&f);
		}
		settle(&f);
		cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200, "way %zu", way);
		cr_expect_not(raw_read(known, &got), "who had a token before stays");
		cr_expect_not(raw_read(idle[39], &got), "the newest stays");
		cr_expect(raw_read(idle[0], &got), "the oldest goes");
		cr_expect_eq(f.closed, 2, "what is being worked on stays: %d", f.closed);
		cr_expect_eq(http_counts(f.http)->rejected_busy, 0);
		for (int i = 0; i < 40; i++) {
			close(idle[i]);
		}
		close(known);
		close(held);
		end(&f);
	}
}

/* Idle is idle: also those who had a token make room for a new one, when no others are there. */
Test(http, idle_connections_with_a_token_make_room_last)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	int fds[4];
	begin_with(&f, &(struct http_options){ .max_connections = 4 });
	for (int i = 0; i < 4; i++) {
		fds[i] = raw_open(&f);
		raw_send(&f, fds[i], RAW_POST "Content-Length: 2\r\n\r\n{}");
		got.len = 0;
		raw_until(&f, fds[i], &got, "200 OK");
	}
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "bobs-token" }), 200);
	cr_expect(raw_read(fds[0], &got), "the one that has been idle longest");
	cr_expect_not(raw_read(fds[1], &got));
	for (int i = 0; i < 4; i++) {
		close(fds[i]);
	}
	end(&f);
}

Test(http, one_principal_leaves_room_for_others)
{
	struct fixture f = { 0 };
	struct reply r;
	int fds[6];
	begin_with(&f, &(struct http_options){ .max_connections = 8 });
	for (int i = 0; i < 6; i++) {
		fds[i] = open_held(&f, "alices-token");
	}
	fetch(&f, &(struct ask){ .body = "{}" }, &r);
	cr_expect_eq(r.status, 429);
	cr_expect(has(&r.head, "Retry-After: 1\r\n") && has(&r.body, "end some"));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "bobs-token" }), 200);
	close(fds[0]);
	until(&f, f.closed == 2);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	for (int i = 1; i < 6; i++) {
		close(fds[i]);
	}
	end(&f);
}

/* The client's own end; on this machine all others count as one. */
static int open_from(struct fixture *f, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(f->port, NULL, 10)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in from = { .sin_family = AF_INET };
	cr_assert_eq(inet_pton(AF_INET, address, &from.sin_addr), 1);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (void *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(fd, (void *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* A network of its own, where 192.0.2.1 and 192.0.2.2 are this machine's. */
static bool have_addresses(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		return false;
	}
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 3; i++) {
		static const char *const own[] = { "127.0.0.1", "192.0.2.1", "192.0.2.2" };
		struct ifreq request = { 0 };
		struct sockaddr_in *address = (void *)&request.ifr_addr;
		snprintf(request.ifr_name, sizeof(request.ifr_name), i ? "lo:%d" : "lo", i);
		address->sin_family = AF_INET;
		inet_pton(AF_INET, own[i], &address->sin_addr);
		if (ioctl(fd, SIOCSIFADDR, &request) < 0) {
			return false;
		}
		request.ifr_flags = IFF_UP | IFF_RUNNING;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
			return false;
		}
	}
	return true;
}

Test(http, a_cap_for_each_address)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	if (!have_addresses()) {
		cr_skip_test("a network of its own cannot be had here");
	}
	begin_with(&f, &(struct http_options){ .max_connections_per_address = 2 });
	int fds[3];
	for (int i = 0; i < 2; i++) {
		fds[i] = open_from(&f, "192.0.2.1");
		raw_send(&f, fds[i], RAW_POST "Content-Length: 4\r\n\r\nhold");
		until(&f, f.n_held == i + 1);
	}
	fds[2] = open_from(&f, "192.0.2.1");
	raw_send(&f, fds[2], RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fds[2], &got, "HTTP/1.1 503 ");
	int other = open_from(&f, "192.0.2.2");
	got.len = 0;
	raw_send(&f, other, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, other, &got, "200 OK");
	close(other);
	int local[4];
	for (int i = 0; i < 4; i++) {
		local[i] = open_held(&f, "alices-token");
	}
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200,
		"on this machine one address is many clients");
	for (int i = 0; i < 4; i++) {
		close(local[i]);
	}
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
	}
	end(&f);
}

/* Leaves the process no descriptor but those it has, and one for the client. */
Test(http, without_descriptors_connections_wait)
{
	struct fixture f = { 0 };
	struct rlimit limit, was;
	auto_buf struct buf got = { 0 };
	begin(&f);
	turn(&f);
	int fd = raw_open(&f);
	getrlimit(RLIMIT_NOFILE, &was);
	limit = was;
	limit.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	settle(&f);
	setrlimit(RLIMIT_NOFILE, &was); /* before Criterion needs one itself */
	cr_expect_eq(http_counts(f.http)->connections, 0);
	raw_send(&f, fd, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fd, &got, "200 OK");
	close(fd);
	end(&f);
}

/* ---- listening ---- */

static void expect_refused(const struct http_options *how, const char *because)
{
	struct err err = { 0 };
	struct http_options options = *how;
	sd_event *event = loop_new(&err);
	options.authorize = authorize;
	cr_expect_null(http_new(event, &options, &err));
	cr_expect(strstr(err.text, because), "%s", err.text);
	sd_event_unref(event);
}

Test(http, others_need_tls_or_a_proxy)
{
	expect_refused(&(struct http_options){ .listen = "0.0.0.0:0" }, "certificate");
	expect_refused(&(struct http_options){ .listen = "[::]:0" }, "listen on 127.0.0.1");
	expect_refused(&(struct http_options){ .listen = "127.0.0.1" }, "HOST:PORT");
	expect_refused(
		&(struct http_options){ .listen = "127.0.0.1:0", .tls_cert = "/x" }, "go together");
	expect_refused(
		&(struct http_options){
			.listen = "127.0.0.1:0", .tls_cert = "/none", .tls_key = "/none" },
		"/none");
	expect_refused(&(struct http_options){ .listen = "127.0.0.1:0",
			       .tls_cert = "/etc/passwd",
			       .tls_key = "/etc/passwd" },
		"cannot start the HTTP server");
	expect_refused(&(struct http_options){ .listen = "systemd" }, "systemd");
	expect_refused(
		&(struct http_options){ .listen = "127.0.0.1:0", .allow_hosts = "a/b" }, "\"a/b\"");
	struct fixture f = { 0 };
	begin_with(&f, &(struct http_options){ .listen = "0.0.0.0:0", .behind_proxy = true });
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .headers = { "Host: 0.0.0.0" } }), 403);
	end(&f);
}

/* localhost is of IPv4 and of IPv6, and a client takes the one it likes. */
Test(http, a_name_with_two_addresses)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	auto_close int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	begin_with(&f, &(struct http_options){ .listen = "localhost:0" });
	cr_expect_eq(strncmp(http_url(f.http), "http://127.0.0.1:", 17), 0);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	if (fd >= 0 && bind(fd, (void *)&to, sizeof(to)) == 0) {
		to.sin6_port = htons((uint16_t)strtoul(f.port, NULL, 10));
		cr_expect_eq(connect(fd, (void *)&to, sizeof(to)), 0);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		raw_send(&f, fd, RAW_POST "Content-Length: 2\r\n\r\n{}");
		raw_until(&f, fd, &got, "200 OK");
	}
	end(&f);
}

Test(http, a_port_in_use_is_named)
{
	struct fixture f = { 0 };
	begin(&f);
	char at[40];
	snprintf(at, sizeof(at), "127.0.0.1:%s", f.port);
	expect_refused(&(struct http_options){ .listen = at }, f.port);
	cr_expect_eq(strncmp(http_url(f.http), "http://127.0.0.1:", 17), 0);
	end(&f);
}

static void set_idle(void *data)
{
	*(bool *)data = true;
}

Test(http, no_new_connections_when_told)
{
	struct fixture f = { 0 };
	struct reply r;
	begin(&f);
	ask_begin(&f, &(struct ask){ .body = "hold" }, &r);
	curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
	until(&f, f.n_held == 1);
	http_stop_listening(f.http);
	bool idle = false;
	http_on_idle(f.http, set_idle, &idle);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 0);
	cr_expect_not(idle);
	f.held[0]->transport->finish(f.held[0], "{}", 2);
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.status, 200);
	until(&f, idle);
	idle = false;
	http_on_idle(f.http, set_idle, &idle);
	cr_expect_not(idle, "not from inside the call");
	until(&f, idle);
	ask_end(&f, &r);
	end(&f);
}

Test(http, unix_socket)
{
	struct fixture f = { 0 };
	struct stat st;
	char dir[] = "/tmp/vitrine-test-XXXXXX", listen[160], path[60];
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/http.sock", dir);
	snprintf(listen, sizeof(listen), "unix:%s", path);
	begin_with(
		&f, &(struct http_options){ .listen = listen, .max_connections_per_address = 1 });
	cr_expect_str_eq(http_url(f.http), listen);
	cr_expect_eq(lstat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	struct reply held;
	ask_begin(&f, &(struct ask){ .body = "hold", .unix_path = path }, &held);
	until(&f, f.n_held == 1);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .unix_path = path,
					   .headers = { "Host: any.name" } }),
		200);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .unix_path = path, .token = "" }), 401);
	expect_refused(&(struct http_options){ .listen = listen }, "in use");
	cr_expect_eq(lstat(path, &st), 0, "it is still there");
	ask_end(&f, &held);
	until(&f, f.closed == f.opened);
	end(&f);
	cr_expect_neq(lstat(path, &st), 0, "and is gone with the server");
	rmdir(dir);
}

Test(http, an_old_unix_socket_is_replaced_but_no_other_file)
{
	char dir[] = "/tmp/vitrine-test-XXXXXX", listen[160];
	cr_assert(mkdtemp(dir));
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/http.sock", dir);
	snprintf(listen, sizeof(listen), "unix:%s", at.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (void *)&at, sizeof(at)), 0);
	close(fd); /* as after SIGKILL: the file stays */
	struct fixture f = { 0 };
	begin_with(&f, &(struct http_options){ .listen = listen });
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .unix_path = at.sun_path }), 200);
	unlink(at.sun_path);
	fd = open(at.sun_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	end(&f);
	cr_expect_eq(access(at.sun_path, F_OK), 0, "what another put there is left alone");
	expect_refused(&(struct http_options){ .listen = listen }, "no socket");
	cr_expect_eq(access(at.sun_path, F_OK), 0);
	close(fd);
	unlink(at.sun_path);
	rmdir(dir);
}

Test(http, systemd_socket)
{
	struct fixture f = { 0 };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	char pid[20];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(bind(fd, (void *)&at, sizeof(at)) == 0 && listen(fd, 10) == 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	int was = fcntl(3, F_DUPFD_CLOEXEC, 100); /* Criterion's: it must not notice */
	dup2(fd, 3);
	begin_with(&f, &(struct http_options){ .listen = "systemd" });
	long status = status_of(&f, &(struct ask){ .body = "{}" });
	end(&f);
	if (was >= 0) {
		dup2(was, 3);
		close(was);
	}
	close(fd);
	cr_expect_eq(status, 200);
	cr_expect_null(getenv("LISTEN_FDS"), "children must not believe it is theirs");
}

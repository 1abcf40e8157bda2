// USES server PkgConfig::curl
/* Requests to ports of a sandbox through E2B's listener: what the program there gets, and what the client
 * gets of its answer. */
#include "server/e2b/router.h"
#include "tests/support/http_fixture.h"
#include "tests/support/vm_host.h"

struct world {
	struct host host;
	struct fixture f;
	struct e2b e2b;
	struct vm *vm;
};

static void run(struct world *w, const char *command, struct buf *out)
{
	struct answer *a = host_exec(&w->host, w->vm, command, 60000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	if (out) {
		buf_printf(out, "%s", a->out);
	}
	answer_free(a);
}

static void world_begin(struct world *w)
{
	struct err err;
	*w = (struct world){ 0 };
	host_init(&w->host, (struct vm_config){ .backend = "fake" });
	w->vm = host_vm(&w->host);
	w->e2b = (struct e2b){
		.event = w->host.event, .vms = w->host.pool, .domain = "vitrine.localhost"
	};
	TAILQ_INIT(&w->e2b.open);
	w->f.event = w->host.event;
	const struct http_options options = { .listen = "127.0.0.1:0",
		.authorize = fixture_authorize };
	w->f.http = http_new(w->f.event, &options, &err);
	cr_assert_not_null(w->f.http, "%s", err.text);
	w->f.multi = curl_multi_init();
	snprintf(w->f.port, sizeof(w->f.port), "%s", strrchr(http_url(w->f.http), ':') + 1);
	e2b_router_use(w->f.http, &w->e2b);
}

static void world_end(struct world *w)
{
	http_free(w->f.http);
	curl_multi_cleanup(w->f.multi);
	host_done(&w->host);
}

/* line: "GET /", more: further headers, each with its end. */
static int ask_port(struct world *w, const char *line, int port, const char *more, const char *body)
{
	char head[1000];
	int fd = raw_open(&w->f);
	snprintf(head, sizeof(head),
		"%s HTTP/1.1\r\nHost: localhost:%s\r\nE2b-Sandbox-Id: %s\r\n"
		"E2b-Sandbox-Port: %d\r\n%s\r\n",
		line, w->f.port, vm_id(w->vm), port, more);
	raw_send(&w->f, fd, head);
	raw_send(&w->f, fd, body);
	return fd;
}

/* The whole answer of a client that sends one request. */
static void ask_whole(struct world *w, const char *line, int port, const char *more,
	const char *body, struct buf *answer)
{
	char headers[500];
	snprintf(headers, sizeof(headers), "Connection: close\r\n%s", more);
	int fd = ask_port(w, line, port, headers, body);
	raw_until_closed(&w->f, fd, answer);
	close(fd);
}

static void expect_in(const struct buf *text, const char *part)
{
	cr_expect(has(text, part), "no '%s' in: %s", part, buf_text(text));
}

static void expect_not_in(const struct buf *text, const char *part)
{
	cr_expect_not(has(text, part), "'%s' in: %s", part, buf_text(text));
}

Test(e2b_ports, a_program_gets_the_request_and_the_client_its_response, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 }, heard = { 0 };
	world_begin(&w);
	run(&w,
		"listen 8080 after \\r\\n\\r\\n HTTP/1.1 404 Nowhere\\r\\nContent-Type: text/odd\\r\\n"
		"Set-Cookie: a=1\\r\\nSet-Cookie: b=2\\r\\nConnection: X-Own\\r\\nX-Own: 1\\r\\n"
		"Content-Length: 5\\r\\n\\r\\nhello and more",
		NULL);
	ask_whole(&w, "GET /a%20b?x=%2F", 8080,
		"E2B-Traffic-Access-Token: secret\r\nX-Mine: 1\r\nX-Mine: 2\r\nTE: trailers\r\n"
		"X-Forwarded-Proto: https\r\n",
		"", &answer);
	expect_in(&answer, "HTTP/1.1 404 ");
	expect_in(&answer, "Content-Type: text/odd\r\n");
	expect_in(&answer, "Content-Length: 5\r\n");
	expect_in(&answer, "\r\n\r\nhello");
	expect_not_in(&answer, "more");
	expect_not_in(&answer, "X-Own");
	const char *a = strstr(buf_text(&answer), "a=1"), *b = strstr(buf_text(&answer), "b=2");
	cr_expect(a && b && a < b, "%s", buf_text(&answer));
	run(&w, "cat heard", &heard);
	cr_expect_eq(strncmp(buf_text(&heard), "GET /a%20b?x=%2F HTTP/1.1\r\n", 27), 0, "%s",
		buf_text(&heard));
	expect_in(&heard, "\r\nHost: localhost:");
	expect_in(&heard, "\r\nX-Mine: 1\r\nX-Mine: 2\r\n");
	expect_in(&heard, "\r\nX-Forwarded-Proto: http\r\n");
	expect_in(&heard, "\r\nConnection: close\r\n\r\n");
	expect_not_in(&heard, "secret");
	expect_not_in(&heard, "TE:");
	expect_not_in(&heard, "Content-Length");
	world_end(&w);
}

Test(e2b_ports, bodies_are_framed_anew, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 }, heard = { 0 };
	world_begin(&w);
	run(&w,
		"listen 8080 after 0\\r\\n\\r\\n HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked"
		"\\r\\n\\r\\n3\\r\\nabc\\r\\n0\\r\\n\\r\\n",
		NULL);
	ask_whole(&w, "POST /", 8080, "Transfer-Encoding: chunked\r\n",
		"5;x=1\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n", &answer);
	expect_in(&answer, "\r\n3\r\nabc\r\n0\r\n\r\n");
	run(&w, "cat heard", &heard);
	expect_in(&heard, "\r\nTransfer-Encoding: chunked\r\n");
	expect_in(&heard, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
	expect_not_in(&heard, "Trailer");
	answer.len = heard.len = 0;
	run(&w, "listen 8080 after world HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nabc",
		NULL);
	ask_whole(&w, "PUT /", 8080, "Content-Length: 5\r\n", "world", &answer);
	expect_in(&answer, "abc");
	run(&w, "cat heard", &heard);
	expect_in(&heard, "\r\nContent-Length: 5\r\n");
	expect_in(&heard, "\r\n\r\nworld");
	world_end(&w);
}

Test(e2b_ports, a_response_may_end_with_the_connection, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 };
	world_begin(&w);
	run(&w, "listen 8080 after \\r\\n\\r\\n HTTP/1.0 200 OK\\r\\n\\r\\nuntil the end", NULL);
	ask_whole(&w, "GET /", 8080, "", "", &answer);
	expect_in(&answer, "until the end");
	answer.len = 0;
	run(&w, "listen 8080 after \\r\\n\\r\\n HTTP/1.1 200 OK\\r\\nContent-Length: 7\\r\\n\\r\\n",
		NULL);
	ask_whole(&w, "HEAD /", 8080, "", "", &answer);
	expect_in(&answer, "200 OK");
	expect_in(&answer, "Content-Length: 7\r\n");
	world_end(&w);
}

/* A client would take what follows for the next response. */
Test(e2b_ports, some_responses_have_no_body, .timeout = 60)
{
	static const char *const says[] = {
		"HTTP/1.1 204 No Content\\r\\n\\r\\n",
		"HTTP/1.1 304 Not Modified\\r\\nETag: x\\r\\nContent-Length: 5\\r\\n\\r\\n",
	};
	struct world w;
	world_begin(&w);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		auto_buf struct buf answer = { 0 };
		char command[200];
		snprintf(command, sizeof(command), "listen 8080 after \\r\\n\\r\\n %s", says[i]);
		run(&w, command, NULL);
		ask_whole(&w, "GET /", 8080, "", "", &answer);
		expect_not_in(&answer, "Transfer-Encoding");
		const char *end = strstr(buf_text(&answer), "\r\n\r\n");
		cr_expect(end && !end[4], "%s", buf_text(&answer));
	}
	world_end(&w);
}

Test(e2b_ports, a_closed_port_is_told_after_a_second, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 };
	world_begin(&w);
	uint64_t began = loop_now_us();
	ask_whole(&w, "GET /", 8081, "", "", &answer);
	cr_expect_geq(loop_now_us() - began, 1000000);
	expect_in(&answer, "HTTP/1.1 502 ");
	expect_in(&answer, "\"message\":\"The sandbox is running but port is not open\"");
	expect_in(&answer, "\"port\":8081");
	expect_in(&answer, "\"code\":502");
	expect_in(&answer, vm_id(w.vm));
	world_end(&w);
}

Test(e2b_ports, a_program_may_begin_to_listen_a_little_later, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 };
	world_begin(&w);
	int fd = ask_port(&w, "GET /", 8080, "Connection: close\r\n", "");
	fixture_turn(&w.f);
	run(&w, "listen 8080 after \\r\\n\\r\\n HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi",
		NULL);
	raw_until_closed(&w.f, fd, &answer);
	expect_in(&answer, "\r\n\r\nhi");
	close(fd);
	world_end(&w);
}

Test(e2b_ports, what_is_no_response_is_refused_or_cut, .timeout = 60)
{
	static const struct {
		const char *says, *wanted, *unwanted;
	} rows[] = {
		{ "SSH-2.0-OpenSSH\\r\\n", "502", "SSH" },
		{ "", "502", "200" },
		{ "HTTP/1.1 200 OK\\r\\nContent-Length: 1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n",
			"502", "200" },
		{ "HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: x\\r\\n\\r\\n", "502",
			"Switching" },
		{ "HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nab", "",
			"\r\n0\r\n" },
	};
	struct world w;
	world_begin(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf answer = { 0 };
		char command[300];
		snprintf(command, sizeof(command), "listen 8080 after \\r\\n\\r\\n %s",
			rows[i].says);
		run(&w, command, NULL);
		ask_whole(&w, "GET /", 8080, "", "", &answer);
		expect_in(&answer, rows[i].wanted);
		expect_not_in(&answer, rows[i].unwanted);
	}
	world_end(&w);
}

Test(e2b_ports, another_protocol_has_the_connection, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 }, heard = { 0 };
	world_begin(&w);
	run(&w,
		"listen 8080 switch \\r\\n\\r\\n HTTP/1.1 101 Anything\\r\\nUpgrade: odd\\r\\nX-Key: 1\\r\\n"
		"Connection: upgrade\\r\\n\\r\\nfirst",
		NULL);
	int fd = ask_port(
		&w, "GET /ws", 8080, "Connection: keep-alive, Upgrade\r\nUpgrade: odd\r\n", "");
	raw_until(&w.f, fd, &answer, "first");
	cr_expect_eq(strncmp(buf_text(&answer), "HTTP/1.1 101 ", 13), 0, "%s", buf_text(&answer));
	expect_in(&answer, "\r\nUpgrade: odd\r\n");
	expect_in(&answer, "\r\nX-Key: 1\r\n");
	answer.len = 0;
	raw_send_len(&w.f, fd, "\0raw bytes", 10);
	raw_until(&w.f, fd, &answer, "");
	until(&w.f, (raw_read(fd, &answer), answer.len >= 10));
	cr_expect_eq(memcmp(answer.data, "\0raw bytes", 10), 0);
	run(&w, "cat heard", &heard);
	expect_in(&heard, "\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n");
	shutdown(fd, SHUT_WR);
	raw_until_closed(&w.f, fd, &answer);
	close(fd);
	world_end(&w);
}

/* The client's connection goes on, so that a program that refuses costs nothing more. */
Test(e2b_ports, a_program_may_refuse_another_protocol, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 };
	world_begin(&w);
	run(&w, "listen 8080 after \\r\\n\\r\\n HTTP/1.1 403 No\\r\\nContent-Length: 2\\r\\n\\r\\nno",
		NULL);
	int fd = ask_port(&w, "GET /ws", 8080, "Connection: Upgrade\r\nUpgrade: odd\r\n", "");
	raw_until(&w.f, fd, &answer, "\r\n\r\nno");
	expect_in(&answer, "HTTP/1.1 403 ");
	close(fd);
	world_end(&w);
}

Test(e2b_ports, a_sandbox_that_ends_cuts_the_connection, .timeout = 60)
{
	struct world w;
	auto_buf struct buf answer = { 0 };
	world_begin(&w);
	run(&w, "listen 8080 switch \\r\\n\\r\\n HTTP/1.1 200 OK\\r\\n\\r\\nsome", NULL);
	int fd = ask_port(&w, "GET /", 8080, "", "");
	raw_until(&w.f, fd, &answer, "some");
	vm_stop(w.vm, "the test says so");
	raw_until_closed(&w.f, fd, &answer);
	expect_not_in(&answer, "\r\n0\r\n");
	close(fd);
	world_end(&w);
}

Test(e2b_ports, a_client_that_leaves_closes_the_programs_connection, .timeout = 60)
{
	struct world w;
	world_begin(&w);
	run(&w, "listen 8080 switch \\r\\n\\r\\n HTTP/1.1 200 OK\\r\\n\\r\\nsome", NULL);
	auto_buf struct buf answer = { 0 };
	int fd = ask_port(&w, "GET /", 8080, "", "");
	raw_until(&w.f, fd, &answer, "some");
	cr_expect_not(TAILQ_EMPTY(&w.e2b.open));
	close(fd);
	until(&w.f, TAILQ_EMPTY(&w.e2b.open));
	run(&w, "true", NULL);
	world_end(&w);
}

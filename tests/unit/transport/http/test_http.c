// USES transport PkgConfig::curl
/* What a request must pass before its message is looked at. */
#include "tests/support/http_fixture.h"

Test(http, tokens)
{
	struct fixture f = { 0 };
	fixture_begin(&f);
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
	fixture_end(&f);
}

Test(http, protected_resource_metadata_is_named)
{
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .resource_metadata = "/meta",
				       .allow_hosts = "desk.example" });
	struct reply r;
	fetch(&f,
		&(struct ask){ .body = "{}", .token = "", .headers = { "Host: desk.example:81" } },
		&r);
	cr_expect(has(&r.head, "Bearer resource_metadata=\"http://desk.example:81/meta\""), "%s",
		buf_text(&r.head));
	ask_end(&f, &r);
	fixture_end(&f);
}

Test(http, hosts)
{
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .allow_hosts = "desk.example" });
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
	fixture_end(&f);
}

Test(http, origins)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin_with(&f, &(struct http_options){ .allow_origins = "https://ok.example" });
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
	fixture_end(&f);
}

Test(http, preflight)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
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
	fixture_end(&f);
}

Test(http, places_and_methods)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
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
	fixture_end(&f);
}

Test(http, places_as_people_write_them)
{
	struct fixture f = { 0 };
	struct reply r;
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
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
	fixture_end(&f);
}

Test(http, a_body_in_a_coding_is_told_what_to_be)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
	fetch(&f, &(struct ask){ .body = "\x1f\x8b", .headers = { "Content-Encoding: gzip" } }, &r);
	cr_expect_eq(r.status, 415);
	cr_expect(has(&r.head, "\r\nAccept-Encoding: identity\r\n"), "%s", buf_text(&r.head));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .headers = { "Content-Encoding: identity" } }),
		200);
	fixture_end(&f);
}

static void run_ok(struct http_exchange *x, void *data)
{
	(void)data;
	http_reply(x, 200, NULL, NULL, 0);
}

Test(http, a_probe_comes_by_any_address)
{
	struct fixture f = { 0 };
	fixture_begin(&f);
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
	fixture_end(&f);
}

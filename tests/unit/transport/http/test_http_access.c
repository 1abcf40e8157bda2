// USES transport PkgConfig::curl
/* Names of a whole domain, principals that are found otherwise, and pages of all origins. */
#include "tests/support/http_fixture.h"

static void run_owner(struct http_exchange *x, void *data)
{
	const char *owner = http_owner(x);
	(void)data;
	if (http_allow_any_origin(x)) {
		return;
	}
	http_reply(x, 200, "text/plain", owner ? owner : "-", owner ? strlen(owner) : 1);
}

static const char *identify(struct http_exchange *x, void *data)
{
	const char *key = http_header(x, "X-Key");
	(void)data;
	cr_assert_eq(*http_path(x), 0x2f);
	return key && strcmp(key, "right") == 0 ? "carol" : NULL;
}

static void begin(struct fixture *f, bool open, bool any_origin)
{
	fixture_begin_with(
		f, &(struct http_options){
			   .allow_hosts = "*.desk.example, one.example:81", .identify = identify });
	http_add_route(f->http, &(struct http_route){ .path = "/owner",
					.open = open,
					.run = run_owner,
					.any_origin = any_origin });
}

static void expect(
	struct fixture *f, const char *header, const char *other, long status, const char *body)
{
	struct reply r;
	fetch(f,
		&(struct ask){ .method = "GET",
			.path = "/owner",
			.token = "",
			.plain = true,
			.headers = { header, other } },
		&r);
	cr_expect_eq(r.status, status, "%s", header);
	if (body) {
		cr_expect_str_eq(buf_text(&r.body), body);
	}
	ask_end(f, &r);
}

Test(http_access, all_names_of_a_domain)
{
	struct fixture f = { 0 };
	begin(&f, true, false);
	expect(&f, "Host: 49983-abc.desk.example", NULL, 200, "-");
	expect(&f, "Host: a.b.Desk.Example.:8443", NULL, 200, "-");
	expect(&f, "Host: one.example:81", NULL, 200, "-");
	expect(&f, "Host: desk.example", NULL, 403, NULL);
	expect(&f, "Host: .desk.example", NULL, 403, NULL);
	expect(&f, "Host: adesk.example", NULL, 403, NULL);
	expect(&f, "Host: a.desk.example.evil.example", NULL, 403, NULL);
	expect(&f, "Host: *.desk.example", NULL, 403, NULL);
	expect(&f, "Host: one.example", NULL, 403, NULL);
	fixture_end(&f);
}

Test(http_access, a_principal_by_another_header)
{
	for (int open = 0; open < 2; open++) {
		struct fixture f = { 0 };
		begin(&f, open, false);
		expect(&f, "X-Key: right", NULL, 200, "carol");
		expect(&f, "X-Key: wrong", NULL, open ? 200 : 401, open ? "-" : NULL);
		expect(&f, "X-Key: right", "Authorization: Basic eA==", 200, "carol");
		fixture_end(&f);
	}
}

Test(http_access, pages_of_all_origins)
{
	struct fixture f = { 0 };
	struct reply r;
	struct ask ask = { .method = "OPTIONS",
		.path = "/owner",
		.plain = true,
		.headers = { "Origin: https://any.example", "Access-Control-Request-Method: PUT",
			"Access-Control-Request-Headers: x-key" } };
	begin(&f, true, true);
	fetch(&f, &ask, &r);
	cr_expect_eq(r.status, 204);
	cr_expect(has(&r.head, "\r\nAccess-Control-Allow-Origin: *\r\n"));
	cr_expect(has(&r.head, "\r\nAccess-Control-Allow-Headers: x-key\r\n"));
	cr_expect(has(&r.head, "PUT"));
	ask_end(&f, &r);
	ask.method = "GET";
	fetch(&f, &ask, &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "\r\nAccess-Control-Allow-Origin: *\r\n"));
	ask_end(&f, &r);
	ask.path = "/mcp";
	cr_expect_eq(status_of(&f, &ask), 403, "other routes are for known origins");
	fixture_end(&f);
}

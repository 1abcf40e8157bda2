// USES server PkgConfig::curl
/* /files in a sandbox of namespaces: who may, what comes in the middle, what pages of other origins may
 * do. */
#include "server/e2b/envd/signature.h"
#include "tests/support/e2b_fixture.h"

static struct e2b_bench b;

/* A sandbox as its client knows it. */
struct box {
	char id[40], id_header[60], token[80], token_header[100];
};

static struct box box_new(void)
{
	struct box box;
	json_auto_t *made =
		e2b_bench_get(&b, 201, "POST", "/v2/sandboxes", "{\"templateID\": \"base\"}");
	snprintf(box.id, sizeof(box.id), "%s", text_of(made, "sandboxID"));
	snprintf(box.token, sizeof(box.token), "%s", text_of(made, "envdAccessToken"));
	snprintf(box.id_header, sizeof(box.id_header), "E2b-Sandbox-Id: %s", box.id);
	snprintf(box.token_header, sizeof(box.token_header), "X-Access-Token: %s", box.token);
	return box;
}

static void setup(void)
{
	e2b_bench_init_with(&b, "namespace");
}

static void teardown(void)
{
	e2b_bench_done(&b);
}

TestSuite(envd_files, .init = setup, .fini = teardown, .timeout = 120);

/* token_header: NULL: none. */
static long ask(const struct box *box, const char *token_header, const char *method,
	const char *path, json_t **ret)
{
	struct reply r;
	fetch(&b.http,
		&(struct ask){ .method = method,
			.path = path,
			.body = strcmp(method, "POST") == 0 ? "text" : NULL,
			.token = "",
			.plain = true,
			.headers = { box->id_header, "E2b-Sandbox-Port: 49983",
				"Content-Type: application/octet-stream", token_header } },
		&r);
	long status = r.status;
	if (ret) {
		*ret = json_loads(buf_text(&r.body), 0, NULL);
	}
	ask_end(&b.http, &r);
	return status;
}

Test(envd_files, only_its_token_opens_a_sandbox)
{
	struct box mine = box_new(), other = box_new();
	json_auto_t *said = NULL;
	cr_expect_eq(ask(&mine, mine.token_header, "POST", "/files?path=f", NULL), 200);
	cr_expect_eq(ask(&mine, mine.token_header, "GET", "/files?path=f", NULL), 200);
	cr_expect_eq(ask(&mine, mine.token_header, "HEAD", "/files?path=f", NULL), 200);
	cr_expect_eq(ask(&mine, mine.token_header, "HEAD", "/files?path=g", NULL), 404);
	cr_expect_eq(ask(&mine, other.token_header, "GET", "/files?path=f", &said), 401);
	cr_expect(strstr(text_of(said, "message"), "does not match"));
	cr_expect_eq(ask(&mine, NULL, "GET", "/files?path=f", NULL), 401);
	cr_expect_eq(ask(&mine, "X-Access-Token;", "GET", "/files?path=f", NULL), 401, "empty");
	cr_expect_eq(
		ask(&mine, mine.token_header, "GET", "/files?path=f&username=root", NULL), 401);
	cr_expect_eq(
		ask(&mine, mine.token_header, "GET", "/files?path=f&username=../x", NULL), 401);
	cr_expect_eq(ask(&mine, NULL, "GET", "/health", NULL), 204);
}

/* The signature is a part of a query. */
static void sign(const struct box *box, const char *path, bool writes, char ret_path[300])
{
	const struct envd_signed what = {
		.path = path, .user = "user", .writes = writes, .token = box->token
	};
	char signature[ENVD_SIGNATURE_SIZE];
	envd_sign(&what, signature);
	char *encoded = curl_easy_escape(NULL, signature, 0);
	snprintf(ret_path, 300, "/files?path=%s&username=user&signature=%s", path, encoded);
	curl_free(encoded);
}

Test(envd_files, a_signature_is_for_one_sandbox_one_file_and_one_way)
{
	struct box mine = box_new(), other = box_new();
	char path[300];
	cr_assert_eq(ask(&mine, mine.token_header, "POST", "/files?path=f", NULL), 200);
	sign(&mine, "f", false, path);
	cr_expect_eq(ask(&mine, NULL, "GET", path, NULL), 200);
	cr_expect_eq(ask(&mine, NULL, "POST", path, NULL), 401);
	cr_expect_eq(ask(&other, NULL, "GET", path, NULL), 401);
	const struct e2b_ask anywhere = { .method = "GET", .path = path, .key = "" };
	cr_expect_eq(e2b_bench_ask(&b, &anywhere, NULL), 200, "the sandbox is found by it");
	memcpy(strstr(path, "path=f"), "path=g", 6);
	cr_expect_eq(ask(&mine, NULL, "GET", path, NULL), 401);
	cr_expect_eq(e2b_bench_ask(&b, &anywhere, NULL), 401);
	sign(&mine, "g", true, path);
	cr_expect_eq(ask(&mine, NULL, "POST", path, NULL), 200);
	cr_expect_eq(ask(&mine, mine.token_header, "GET", "/files?path=g", NULL), 200);
}

Test(envd_files, requests_that_are_refused)
{
	struct box box = box_new();
	static const struct {
		const char *method, *path;
		long status;
	} rows[] = {
		{ "GET", "/files?path=nothing", 404 },
		{ "GET", "/files?path=/tmp", 400 },
		{ "GET", "/files", 400 }, /* the home directory */
		{ "POST", "/files", 400 },
		{ "POST", "/files?path=/tmp", 400 },
		{ "DELETE", "/files?path=f", 501 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_auto_t *said = NULL;
		cr_expect_eq(ask(&box, box.token_header, rows[i].method, rows[i].path, &said),
			rows[i].status, "%s %s: %s", rows[i].method, rows[i].path,
			text_of(said, "message"));
	}
}

/* A client that leaves in the middle of an upload. */
Test(envd_files, half_a_file_is_none)
{
	struct box box = box_new();
	int fd = raw_open(&b.http);
	auto_buf struct buf head = { 0 };
	buf_printf(&head,
		"POST /files?path=half HTTP/1.1\r\nHost: localhost:%s\r\n%s\r\n"
		"E2b-Sandbox-Port: 49983\r\n%s\r\nContent-Type: application/octet-stream\r\n"
		"Content-Length: 1000000\r\n\r\nonly this",
		b.http.port, box.id_header, box.token_header);
	raw_send(&b.http, fd, buf_text(&head));
	until(&b.http, ask(&box, box.token_header, "GET", "/files?path=half", NULL) == 200);
	close(fd);
	until(&b.http, ask(&box, box.token_header, "GET", "/files?path=half", NULL) == 404);
}

Test(envd_files, pages_of_any_origin_may_ask_with_a_token)
{
	struct box box = box_new();
	struct reply r;
	struct ask how = { .method = "OPTIONS",
		.path = "/files?path=f",
		.token = "",
		.headers = { box.id_header, "E2b-Sandbox-Port: 49983",
			"Origin: https://somewhere.example", "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: x-access-token" } };
	fetch(&b.http, &how, &r);
	cr_expect_lt(r.status, 300);
	cr_expect(has(&r.head, "Access-Control-Allow-Origin: *"), "%s", buf_text(&r.head));
	ask_end(&b.http, &r);
	how.method = "GET";
	fetch(&b.http, &how, &r);
	cr_expect_eq(r.status, 401, "the origin alone opens nothing");
	ask_end(&b.http, &r);
}

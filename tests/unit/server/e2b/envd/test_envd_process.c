// USES server PkgConfig::curl
/* Streams of processes over the fake backend: what a client hears, when it does not read, when it sends
 * something else, and when its sandbox ends. */
#include "server/e2b/envd/connect.h"
#include "tests/support/e2b_fixture.h"

#define START "/process.Process/Start"

static struct e2b_bench b;
static char id_header[60], token_header[100];

static void setup(void)
{
	e2b_bench_init(&b);
	json_auto_t *made =
		e2b_bench_get(&b, 201, "POST", "/v2/sandboxes", "{\"templateID\": \"base\"}");
	snprintf(id_header, sizeof(id_header), "E2b-Sandbox-Id: %s", text_of(made, "sandboxID"));
	snprintf(token_header, sizeof(token_header), "X-Access-Token: %s",
		text_of(made, "envdAccessToken"));
}

static void teardown(void)
{
	e2b_bench_done(&b);
}

TestSuite(envd_process, .init = setup, .fini = teardown, .timeout = 100);

/* ---- a client ---- */

struct envelopes {
	struct reply r;
	size_t at; /* of the body: what was taken */
};

static struct buf start_of(const char *command, unsigned flags)
{
	struct buf envelope = { 0 };
	json_auto_t *json = json_pack("{s:{s:s, s:[s, s, s]}, s:b}", "process", "cmd", "/bin/bash",
		"args", "-l", "-c", command, "stdin", 0);
	auto_free char *text = json_dumps(json, 0);
	connect_envelope_append(&envelope, flags, text, strlen(text));
	return envelope;
}

static void call(struct envelopes *s, const char *path, const struct buf *body, const char *more)
{
	const struct ask ask = { .path = path,
		.body = (const char *)body->data,
		.body_len = body->len,
		.token = "",
		.plain = true,
		.headers = { id_header, "E2b-Sandbox-Port: 49983", token_header,
			"Content-Type: application/connect+json", "Connect-Protocol-Version: 1",
			more } };
	*s = (struct envelopes){ 0 };
	ask_begin(&b.http, &ask, &s->r);
	curl_easy_setopt(s->r.easy, CURLOPT_PRIVATE, &s->r);
}

static void start(struct envelopes *s, const char *command, const char *more)
{
	auto_buf struct buf body = start_of(command, 0);
	call(s, START, &body, more);
	until(&b.http, is_done(&b.http, &s->r) || s->r.body.len > 0);
}

static void finish(struct envelopes *s)
{
	until(&b.http, is_done(&b.http, &s->r));
}

/* The next message, and its flags; NULL: there is none. */
static json_t *next(struct envelopes *s, unsigned *ret_flags)
{
	const char *message;
	size_t left = s->r.body.len - s->at, len;
	const uint8_t *at = s->r.body.data + s->at;
	if (left < CONNECT_HEADER) {
		return NULL;
	}
	len = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
	cr_assert_leq(len + CONNECT_HEADER, left, "the last envelope was cut");
	message = (const char *)at + CONNECT_HEADER;
	*ret_flags = at[0];
	s->at += CONNECT_HEADER + len;
	return json_loadb(message, len, 0, NULL);
}

static const json_t *event(const json_t *message, const char *name)
{
	return json_object_get(json_object_get(message, "event"), name);
}

/* The next one must be this event, and have this member. */
static void expect(struct envelopes *s, const char *name, const char *member, const char *want)
{
	unsigned flags;
	json_auto_t *message = next(s, &flags);
	cr_assert(message && flags == 0, "no event '%s'", name);
	json_auto_t *value = json_incref(json_object_get(event(message, name), member));
	auto_free char *text = json_dumps(value, JSON_ENCODE_ANY);
	cr_expect(text && strcmp(text, want) == 0, "%s.%s is %s", name, member, text);
}

/* The last one; code NULL: it is {}. */
static void expect_over(struct envelopes *s, const char *code)
{
	unsigned flags = 0;
	json_auto_t *message = next(s, &flags);
	cr_expect_eq(s->r.status, 200);
	cr_assert_eq(flags, CONNECT_FLAG_END);
	const char *got = text_of(json_object_get(message, "error"), "code");
	cr_expect_str_eq(
		got, code ? code : "", "%s", text_of(json_object_get(message, "error"), "message"));
	cr_expect_null(next(s, &flags));
}

static void drop(struct envelopes *s)
{
	ask_end(&b.http, &s->r);
}

/* ---- what is heard ---- */

Test(envd_process, a_process_is_heard_from_its_start_to_its_end)
{
	struct envelopes s;
	start(&s, "echo hi", NULL);
	finish(&s);
	expect(&s, "start", "pid", "1");
	expect(&s, "data", "stdout", "\"aGkK\"");
	expect(&s, "end", "status", "\"exit status 0\"");
	expect_over(&s, NULL);
	drop(&s);
	start(&s, "warn bad", NULL);
	finish(&s);
	expect(&s, "start", "pid", "1");
	expect(&s, "data", "stderr", "\"YmFkCg==\"");
	drop(&s);
}

Test(envd_process, its_end_has_the_words_of_envd)
{
	static const struct {
		const char *command, *member, *want;
	} rows[] = {
		{ "exit 3", "exitCode", "3" },
		{ "exit 3", "exited", "true" },
		{ "exit 3", "error", "\"exit status 3\"" },
		{ "kill", "exitCode", "-1" },
		{ "kill", "exited", "false" },
		{ "kill", "status", "\"signal: terminated\"" },
		{ "true", "exitCode", "0" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct envelopes s;
		start(&s, rows[i].command, NULL);
		finish(&s);
		expect(&s, "start", "pid", "1");
		expect(&s, "end", rows[i].member, rows[i].want);
		expect_over(&s, NULL);
		drop(&s);
	}
}

Test(envd_process, a_process_that_is_late_is_over)
{
	struct envelopes s;
	start(&s, "sleep 100", "Connect-Timeout-Ms: 50");
	finish(&s);
	expect(&s, "start", "pid", "1");
	expect_over(&s, "deadline_exceeded");
	drop(&s);
}

Test(envd_process, silence_is_filled_with_keepalives)
{
	struct envelopes s;
	unsigned flags;
	start(&s, "sleep 100", "Keepalive-Ping-Interval: 1");
	expect(&s, "start", "pid", "1");
	size_t heard = s.r.body.len;
	until(&b.http, is_done(&b.http, &s.r) || s.r.body.len > heard);
	json_auto_t *message = next(&s, &flags);
	cr_expect(json_is_object(event(message, "keepalive")));
	drop(&s);
}

/* ---- a client that does not read ---- */

/* Within its last bytes, which have NULs. */
static bool ends_with(const struct buf *got, const char *text)
{
	size_t len = got->len < 200 ? got->len : 200;
	return len && memmem(got->data + got->len - len, len, text, strlen(text));
}

/* 8 MB wait in the sandbox: here, and in the kernel, there is a bounded part of them. */
Test(envd_process, a_flood_waits_for_its_reader)
{
	auto_buf struct buf body = start_of("flood 8000000", 0), head = { 0 }, got = { 0 };
	int fd = raw_open(&b.http);
	buf_printf(&head,
		"POST " START " HTTP/1.1\r\nHost: localhost:%s\r\n%s\r\nE2b-Sandbox-Port: 49983\r\n"
		"%s\r\nContent-Type: application/connect+json\r\nContent-Length: %zu\r\n\r\n",
		b.http.port, id_header, token_header, body.len);
	raw_send(&b.http, fd, buf_text(&head));
	raw_send_len(&b.http, fd, (const char *)body.data, body.len);
	fixture_settle(&b.http);
	const struct http_counts *counts = http_counts(b.http.http);
	uint64_t before = counts->bytes_out;
	cr_expect_lt(before, 6000000, "%llu bytes were sent to nobody", (unsigned long long)before);
	until(&b.http, (raw_read(fd, &got), ends_with(&got, "exit status 0")));
	cr_expect_gt(got.len, 8000000u / 3 * 4);
	close(fd);
}

Test(envd_process, a_client_that_leaves_is_forgotten)
{
	struct envelopes s;
	start(&s, "sleep 100", NULL);
	cr_expect_eq(http_counts(b.http.http)->streams, 1);
	drop(&s);
	until(&b.http, http_counts(b.http.http)->streams == 0);
}

/* ---- the end of the sandbox ---- */

Test(envd_process, the_connection_is_cut_with_the_sandbox)
{
	struct envelopes s;
	char path[60];
	start(&s, "sleep 100", NULL);
	expect(&s, "start", "pid", "1");
	snprintf(path, sizeof(path), "/sandboxes/%s", strchr(id_header, ' ') + 1);
	json_decref(e2b_bench_get(&b, 204, "DELETE", path, NULL));
	finish(&s);
	cr_expect_neq(s.r.result, CURLE_OK, "it was ended properly");
	unsigned flags;
	cr_expect_null(next(&s, &flags));
	drop(&s);
}

/* ---- what is refused ---- */

static void expect_refused(const struct buf *body, const char *more, const char *code)
{
	struct envelopes s;
	call(&s, START, body, more);
	finish(&s);
	expect_over(&s, code);
	drop(&s);
}

Test(envd_process, requests_that_are_no_request)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *code;
	} rows[] = {
		{ "\0\0\0\0", 4, "invalid_argument" },
		{ "\0\0\0\0\2[]", 7, "invalid_argument" },
		{ "\0\0\0\0\2{", 6, "invalid_argument" },
		{ "\0\377\377\377\377{}", 7, "invalid_argument" },
		{ "\0\0\0\0\1{}", 7, "invalid_argument" },
		{ "\1\0\0\0\2{}", 7, "unimplemented" },
		{ "\0\0\0\0\0", 5, "invalid_argument" },
		{ "\0\0\0\0\2{}", 7, "invalid_argument" },
		{ "\0\0\0\0\020{\"process\": true}", 21, "invalid_argument" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_buf struct buf body = { 0 };
		buf_append(&body, rows[i].bytes, rows[i].len);
		expect_refused(&body, NULL, rows[i].code);
	}
}

Test(envd_process, headers_that_are_wrong)
{
	auto_buf struct buf body = start_of("true", 0);
	expect_refused(&body, "Connect-Timeout-Ms: soon", "invalid_argument");
	expect_refused(&body, "Keepalive-Ping-Interval: -1", "invalid_argument");
	expect_refused(&body, "Connect-Content-Encoding: gzip", "unimplemented");
	expect_refused(&body, "Authorization: Bearer x", "unauthenticated");
	expect_refused(&body, "Authorization: Basic Li4vOg==" /* ../ */, "unauthenticated");
}

static long unary(const char *path, const char *body, const char *token, json_t **ret)
{
	return e2b_bench_ask(&b,
		&(struct e2b_ask){ .method = "POST",
			.path = path,
			.body = body,
			.key = "",
			.headers = { id_header, "E2b-Sandbox-Port: 49983", token } },
		ret);
}

Test(envd_process, who_has_no_token_is_refused)
{
	json_auto_t *none = NULL, *wrong = NULL;
	cr_expect_eq(unary("/process.Process/List", "{}", NULL, &none), 401);
	cr_expect_eq(json_integer_value(json_object_get(none, "code")), 401);
	cr_expect_eq(unary("/process.Process/List", "{}", "X-Access-Token: x", &wrong), 401);
	cr_expect(strstr(text_of(wrong, "message"), "does not match"));
}

Test(envd_process, calls_have_the_statuses_of_connect)
{
	static const struct {
		const char *path, *body;
		long status;
		const char *code;
	} rows[] = {
		{ "/process.Process/List", "{}", 501, "unimplemented" }, /* on fake */
		{ "/process.Process/SendSignal", "{}", 400, "invalid_argument" },
		{ "/process.Process/SendSignal", "{\"process\":{\"pid\":1},\"signal\":\"X\"}", 501,
			"unimplemented" },
		{ "/process.Process/SendInput", "{\"process\":{\"pid\":1}}", 400,
			"invalid_argument" },
		{ "/process.Process/SendInput",
			"{\"process\":{\"pid\":1},\"input\":{\"stdin\":\"!\"}}", 400,
			"invalid_argument" },
		{ "/process.Process/StreamInput", "{}", 501, "unimplemented" },
		{ "/filesystem.Filesystem/Stat", "{\"path\":5}", 400, "invalid_argument" },
		{ "/filesystem.Filesystem/Stat", "no JSON", 400, "invalid_argument" },
		{ "/filesystem.Filesystem/GetWatcherEvents", "{\"watcherId\":\"x\"}", 404,
			"not_found" },
		{ "/nothing", "{}", 501, "unimplemented" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_auto_t *json = NULL;
		cr_expect_eq(unary(rows[i].path, rows[i].body, token_header, &json), rows[i].status,
			"%s", rows[i].path);
		cr_expect_str_eq(text_of(json, "code"), rows[i].code, "%s", rows[i].path);
	}
}

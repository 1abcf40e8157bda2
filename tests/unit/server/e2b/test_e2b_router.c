// USES server PkgConfig::curl
/* Who gets a request of E2B's API, and who gets none: keys, names, traffic tokens, paused sandboxes. */
#include "tests/support/e2b_fixture.h"

#define NOT_FOUND "The sandbox was not found"

static struct e2b_bench b;

static void setup(void)
{
	e2b_bench_init(&b);
}

static void teardown(void)
{
	e2b_bench_done(&b);
}

TestSuite(e2b_router, .init = setup, .fini = teardown, .timeout = 100);

/* GET /health of a port, named by the Host. */
static long ask_port(const char *id, int port, const char *header, json_t **ret_json)
{
	char host[200];
	snprintf(host, sizeof(host), "Host: %d-%s.vitrine.localhost:3000", port, id);
	const struct e2b_ask ask = {
		.method = "GET", .path = "/health", .key = "", .headers = { host, header }
	};
	return e2b_bench_ask(&b, &ask, ret_json);
}

static void expect_not_found(const char *id)
{
	json_t *json;
	cr_expect_eq(ask_port(id, 49983, NULL, &json), 502);
	cr_expect_str_eq(text_of(json, "message"), NOT_FOUND);
	cr_expect_str_eq(text_of(json, "sandboxId"), id);
	cr_expect_eq(json_integer_value(json_object_get(json, "code")), 502);
	json_decref(json);
}

Test(e2b_router, the_control_plane_requires_a_key)
{
	static const char *const wrong[] = { "", "x",
		"e2b_0000000000000000000000000000000000000000" };
	for (size_t i = 0; i < 3; i++) {
		json_t *json;
		const struct e2b_ask ask = {
			.method = "GET", .path = "/v2/sandboxes", .key = wrong[i]
		};
		cr_expect_eq(e2b_bench_ask(&b, &ask, &json), 401, "%s", wrong[i]);
		cr_expect_eq(json_integer_value(json_object_get(json, "code")), 401);
		json_decref(json);
	}
	const struct ask bearer = { .path = "/v2/sandboxes", .token = b.key };
	cr_expect_eq(status_of(&b.http, &bearer), 200);
	const struct ask health = { .path = "/health", .token = "" };
	cr_expect_eq(status_of(&b.http, &health), 204);
}

Test(e2b_router, a_header_that_decides_is_there_once)
{
	static const char *const names[] = { "X-API-Key", "x-api-key", "E2b-Sandbox-Id",
		"E2b-Sandbox-Port", "X-Access-Token", "E2B-Traffic-Access-Token" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char one[100], two[100];
		snprintf(one, sizeof(one), "%s: a", names[i]);
		snprintf(two, sizeof(two), "%s: b", names[i]);
		const struct e2b_ask ask = {
			.method = "GET", .path = "/v2/sandboxes", .key = "", .headers = { one, two }
		};
		cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 400, "%s", names[i]);
	}
}

Test(e2b_router, names_and_headers_lead_to_the_same_sandbox)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	char header[100];
	snprintf(header, sizeof(header), "E2b-Sandbox-Id: %s", id);
	const struct e2b_ask ask = { .method = "GET",
		.path = "/health",
		.key = "",
		.headers = { header, "E2b-Sandbox-Port: 49983" } };
	long by_name = ask_port(id, 49983, NULL, NULL);
	cr_expect_neq(by_name, 502);
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), by_name);
	const struct e2b_ask half = {
		.method = "GET", .path = "/health", .key = "", .headers = { header }
	};
	cr_expect_eq(e2b_bench_ask(&b, &half, NULL), 400);
}

Test(e2b_router, other_names_are_refused_before_anything_is_read)
{
	const struct e2b_ask ask = {
		.method = "GET", .path = "/health", .headers = { "Host: evil.example" }
	};
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 403);
	const struct e2b_ask odd = {
		.method = "GET", .path = "/health", .headers = { "Host: www.vitrine.localhost" }
	};
	cr_expect_eq(e2b_bench_ask(&b, &odd, NULL), 400);
}

Test(e2b_router, a_sandbox_that_does_not_run_is_not_found)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	char path[100];
	expect_not_found("aaaaaaaaaaaaaaaaaaaa");
	expect_not_found("short");
	snprintf(path, sizeof(path), "/sandboxes/%s/pause", id);
	json_decref(e2b_bench_get(&b, 204, "POST", path, "{}"));
	expect_not_found(id);
	snprintf(path, sizeof(path), "/sandboxes/%s", id);
	json_decref(e2b_bench_get(&b, 204, "DELETE", path, NULL));
	expect_not_found(id);
}

Test(e2b_router, a_request_resumes_one_with_auto_resume)
{
	char path[100];
	auto_free char *id = e2b_bench_create(&b,
		"{\"templateID\": \"base\", \"timeout\": 60, \"autoPause\": true, "
		"\"autoResume\": {\"enabled\": true}}");
	struct err err;
	struct vm *vm = vm_find(b.vms, "ann", id, &err);
	json_auto_t *shown = e2b_bench_get(
		&b, 200, "GET", (snprintf(path, sizeof(path), "/sandboxes/%s", id), path), NULL);
	const json_t *lifecycle = json_object_get(shown, "lifecycle");
	cr_expect_str_eq(text_of(lifecycle, "onTimeout"), "pause");
	cr_expect(json_is_true(json_object_get(lifecycle, "autoResume")));
	snprintf(path, sizeof(path), "/sandboxes/%s/pause", id);
	json_decref(e2b_bench_get(&b, 204, "POST", path, "{}"));
	cr_assert_eq(vm_state(vm), VM_PAUSED);
	cr_expect_neq(ask_port(id, 49983, NULL, NULL), 502);
	cr_expect_eq(vm_state(vm), VM_READY);
	cr_expect_eq(vm_spec(vm)->timeout_ms, 300000, "at least five minutes");
}

Test(e2b_router, one_that_cannot_be_resumed_now_says_why)
{
	char path[100];
	json_t *json;
	auto_free char *id = e2b_bench_create(&b,
		"{\"templateID\": \"base\", \"autoPause\": true, \"autoResume\": {\"enabled\": "
		"true}}");
	snprintf(path, sizeof(path), "/sandboxes/%s/pause", id);
	json_decref(e2b_bench_get(&b, 204, "POST", path, "{}"));
	for (int64_t i = 0; i < b.config.vm.max_sandboxes; i++) {
		free(e2b_bench_create(&b, NULL));
	}
	json_decref(e2b_bench_get(&b, 429, "POST", "/v2/sandboxes", "{\"templateID\": \"base\"}"));
	cr_expect_eq(ask_port(id, 49983, NULL, &json), 503);
	cr_expect(strstr(text_of(json, "message"), "limit"), "%s", text_of(json, "message"));
	json_decref(json);
}

Test(e2b_router, closed_ports_need_the_traffic_token)
{
	json_t *json;
	json_auto_t *made = e2b_bench_get(&b, 201, "POST", "/v2/sandboxes",
		"{\"templateID\": \"base\", \"network\": {\"allowPublicTraffic\": false}}");
	const char *id = text_of(made, "sandboxID");
	char header[200];
	snprintf(header, sizeof(header), "E2B-Traffic-Access-Token: %s",
		text_of(made, "trafficAccessToken"));
	cr_expect_eq(ask_port(id, 8080, NULL, &json), 403);
	cr_expect_eq(json_integer_value(json_object_get(json, "code")), 403);
	json_decref(json);
	cr_expect_eq(ask_port(id, 8080, "E2B-Traffic-Access-Token: wrong", NULL), 403);
	cr_expect_neq(ask_port(id, 8080, header, NULL), 403);
	cr_expect_neq(ask_port(id, 49983, NULL, NULL), 403, "envd has a token of its own");
}

Test(e2b_router, a_signature_that_no_sandbox_has_is_refused)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	const struct e2b_ask ask = {
		.method = "GET", .path = "/files?path=a&signature=v1_abc", .key = ""
	};
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 401);
	cr_expect(id[0]);
}

struct seen {
	int calls, failures;
	char text[100], principal[20];
};

static void on_call(const struct activity_record *record, void *data)
{
	struct seen *seen = data;
	seen->calls++;
	seen->failures += record->why != NULL;
	snprintf(seen->text, sizeof(seen->text), "%s", record->summary);
	snprintf(seen->principal, sizeof(seen->principal), "%s", record->principal);
}

Test(e2b_router, what_is_done_in_a_sandbox_is_in_its_action_log)
{
	static const struct activity_fns fns = { .call = on_call };
	struct seen seen = { 0 };
	struct listener listener = { 0 };
	listener_add(&b.activity.calls, &listener, &fns, &seen);
	auto_free char *id = e2b_bench_create(&b, NULL);
	char host[100];
	snprintf(host, sizeof(host), "Host: 49983-%s.vitrine.localhost", id);
	const struct e2b_ask secret = { .method = "POST",
		.path = "/files?path=secret",
		.body = "x",
		.key = "",
		.headers = { host } };
	cr_expect_eq(ask_port(id, 49983, NULL, NULL), 204);
	cr_expect_eq(seen.calls, 0, "a look at its health");
	cr_expect_eq(e2b_bench_ask(&b, &secret, NULL), 401);
	cr_expect_eq(seen.calls, 1);
	cr_expect_eq(seen.failures, 1);
	cr_expect_str_eq(seen.principal, "ann");
	cr_expect(!strstr(seen.text, "secret"), "%s", seen.text);
	listener_remove(&listener);
}

/* A page of another site can send a form, but no header of its own. */
Test(e2b_router_open, without_tokens_a_key_is_required_all_the_same)
{
	e2b_bench_init_open(&b);
	const struct e2b_ask page = { .method = "POST",
		.path = "/v2/sandboxes",
		.body = "{\"templateID\": \"base\"}",
		.key = "",
		.headers = { "Origin: https://evil.example", "Content-Type: text/plain" } };
	cr_expect_eq(e2b_bench_ask(&b, &page, NULL), 401);
	cr_expect_null(vm_at(b.vms, "anyone", 0));
	const struct e2b_ask preflight = { .method = "OPTIONS",
		.path = "/v2/sandboxes",
		.key = "",
		.headers = { "Origin: https://evil.example", "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: x-api-key" } };
	cr_expect_geq(e2b_bench_ask(&b, &preflight, NULL), 400);
	const struct e2b_ask client = {
		.method = "GET", .path = "/v2/sandboxes", .key = "e2b_any"
	};
	cr_expect_eq(e2b_bench_ask(&b, &client, NULL), 200);
	e2b_bench_done(&b);
}

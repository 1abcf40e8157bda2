// USES server PkgConfig::curl
/* The control plane over the fake backend: members, statuses and codes as E2B's SDKs rely on them. */
#include "tests/support/e2b_fixture.h"

#include "base/clock.h"
#include "server/e2b/core/request.h"

static struct e2b_bench b;

static void setup(void)
{
	e2b_bench_init(&b);
}

static void teardown(void)
{
	e2b_bench_done(&b);
}

TestSuite(e2b_control, .init = setup, .fini = teardown, .timeout = 100);

static const char *path_of(const char *id, const char *rest)
{
	static char paths[4][200];
	static unsigned at;
	char *path = paths[at++ % 4];
	snprintf(path, sizeof(paths[0]), "/sandboxes/%s%s", id, rest);
	return path;
}

static void expect_code(long status, const char *method, const char *path, const char *body)
{
	json_auto_t *got = e2b_bench_get(&b, status, method, path, body);
	cr_expect_eq(
		json_integer_value(json_object_get(got, "code")), status, "%s %s", method, path);
	cr_expect(text_of(got, "message")[0], "%s %s", method, path);
}

Test(e2b_control, a_sandbox_is_created_shown_and_ended)
{
	json_auto_t *made = e2b_bench_get(&b, 201, "POST", "/v2/sandboxes",
		"{\"templateID\": \"base\", \"timeout\": 60, \"metadata\": {\"a\": \"1\"}, "
		"\"envVars\": {\"X\": \"2\"}, \"unknown\": [1]}");
	const char *id = text_of(made, "sandboxID");
	cr_expect_str_eq(text_of(made, "templateID"), "base");
	cr_expect_eq(strlen(text_of(made, "envdAccessToken")), 64);
	cr_expect(json_is_null(json_object_get(made, "trafficAccessToken")));
	cr_expect(json_is_null(json_object_get(made, "domain")));
	cr_expect(text_of(made, "clientID")[0] && text_of(made, "envdVersion")[0]);
	json_auto_t *shown = e2b_bench_get(&b, 200, "GET", path_of(id, ""), NULL);
	cr_expect_str_eq(text_of(shown, "state"), "running");
	cr_expect_str_eq(text_of(shown, "envdAccessToken"), text_of(made, "envdAccessToken"));
	cr_expect_str_eq(text_of(json_object_get(shown, "metadata"), "a"), "1");
	json_auto_t *with_client = e2b_bench_get(&b, 200, "GET", path_of(id, "-abc"), NULL);
	cr_expect(json_equal(shown, with_client), "ID-CLIENTID is the same");
	json_decref(e2b_bench_get(&b, 204, "DELETE", path_of(id, ""), NULL));
	expect_code(404, "DELETE", path_of(id, ""), NULL);
	expect_code(404, "GET", path_of(id, ""), NULL);
}

Test(e2b_control, requests_that_are_refused)
{
	static const struct {
		long status;
		const char *method, *path, *body;
	} rows[] = {
		{ 400, "POST", "/v2/sandboxes", "{}" },
		{ 400, "POST", "/v2/sandboxes", "[]" },
		{ 400, "POST", "/v2/sandboxes", "{\"templateID\": 1}" },
		{ 400, "POST", "/v2/sandboxes", "not JSON" },
		{ 400, "POST", "/v2/sandboxes", "{\"templateID\": \"base\", \"timeout\": 0}" },
		{ 400, "POST", "/v2/sandboxes", "{\"templateID\": \"base\", \"timeout\": -5}" },
		{ 400, "POST", "/v2/sandboxes", "{\"templateID\": \"base\", \"metadata\": [1]}" },
		{ 400, "POST", "/v2/sandboxes",
			"{\"templateID\": \"base\", \"metadata\": {\"a\": 1}}" },
		{ 400, "POST", "/v2/sandboxes",
			"{\"templateID\": \"base\", \"envVars\": {\"A=B\": \"\"}}" },
		{ 400, "POST", "/v2/sandboxes",
			"{\"templateID\": \"base\", \"network\": {\"maskRequestHost\": \"a\\r\\nb\"}}" },
		{ 404, "POST", "/v2/sandboxes", "{\"templateID\": \"nothing\"}" },
		{ 501, "POST", "/v2/sandboxes",
			"{\"templateID\": \"base\", \"volumeMounts\": [{\"name\": \"v\"}]}" },
		{ 501, "POST", "/v2/sandboxes",
			"{\"templateID\": \"base\", \"network\": {\"rules\": {\"a.b\": [1]}}}" },
		{ 404, "GET", "/sandboxes/aaaaaaaaaaaaaaaaaaaa", NULL },
		{ 404, "GET", "/sandboxes/A", NULL },
		{ 404, "POST", "/sandboxes/aaaaaaaaaaaaaaaaaaaa/pause", "{}" },
		{ 404, "POST", "/sandboxes/aaaaaaaaaaaaaaaaaaaa/timeout", "{\"timeout\": 1}" },
		{ 404, "POST", "/v2/sandboxes/aaaaaaaaaaaaaaaaaaaa/connect", "{}" },
		{ 404, "DELETE", "/templates/nothing", NULL },
		{ 404, "GET", "/templates/aliases/nothing", NULL },
		{ 403, "DELETE", "/templates/base", NULL },
		{ 400, "GET", "/v2/sandboxes?limit=0", NULL },
		{ 400, "GET", "/v2/sandboxes?limit=101", NULL },
		{ 400, "GET", "/v2/sandboxes?limit=x", NULL },
		{ 400, "GET", "/v2/sandboxes?nextToken=-1", NULL },
		{ 400, "GET", "/v2/sandboxes?state=gone", NULL },
		{ 400, "GET", "/v2/sandboxes?startedAfter=yesterday", NULL },
		{ 400, "GET", "/v2/sandboxes?order=random", NULL },
		{ 405, "PATCH", "/v2/sandboxes", "{}" },
		{ 404, "GET", "/nothing", NULL },
		{ 404, "GET", "/sandboxes/", NULL },
		{ 501, "GET", "/volumes", NULL },
		{ 501, "POST", "/secrets", "{}" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_code(rows[i].status, rows[i].method, rows[i].path, rows[i].body);
	}
	cr_expect_null(vm_at(b.vms, "ann", 0), "one of them has created a sandbox");
}

static size_t count(const char *query)
{
	char path[300];
	snprintf(path, sizeof(path), "/v2/sandboxes?%s", query);
	json_auto_t *list = e2b_bench_get(&b, 200, "GET", path, NULL);
	return json_array_size(list);
}

Test(e2b_control, lists_have_filters_order_and_pages)
{
	auto_free char *first = e2b_bench_create(
		&b, "{\"templateID\": \"base\", \"metadata\": {\"a b\": \"c&d=%\", \"x\": \"1\"}}");
	auto_free char *second =
		e2b_bench_create(&b, "{\"templateID\": \"desktop\", \"metadata\": {\"x\": \"1\"}}");
	cr_expect_eq(count(""), 2);
	cr_expect_eq(count("state=running"), 2);
	cr_expect_eq(count("state=paused"), 0);
	cr_expect_eq(count("state=running,paused"), 2);
	cr_expect_eq(count("template=desktop"), 1);
	cr_expect_eq(count("template=other"), 0);
	cr_expect_eq(count("metadata=x%3D1"), 2);
	cr_expect_eq(count("metadata=x%3D2"), 0);
	/* encoded as a part, as a form, and as a query */
	cr_expect_eq(count("metadata=a%252520b%3Dc%252526d%25253D%252525"), 1);
	cr_expect_eq(count("metadata=a%252520b%3Dc%252526d%25253D%252525%26x%3D1"), 1);
	cr_expect_eq(count("startedAfter=2020-01-01T00:00:00Z"), 2);
	cr_expect_eq(count("startedAfter=2100-01-01T00:00:00.000%2B01:00"), 0);
	json_auto_t *newest = e2b_bench_get(&b, 200, "GET", "/v2/sandboxes?limit=1", NULL);
	cr_expect_str_eq(text_of(json_array_get(newest, 0), "sandboxID"), second);
	json_auto_t *next =
		e2b_bench_get(&b, 200, "GET", "/v2/sandboxes?limit=1&nextToken=1", NULL);
	cr_expect_str_eq(text_of(json_array_get(next, 0), "sandboxID"), first);
	json_auto_t *oldest = e2b_bench_get(&b, 200, "GET", "/v2/sandboxes?order=asc", NULL);
	cr_expect_str_eq(text_of(json_array_get(oldest, 0), "sandboxID"), first);
}

Test(e2b_control, a_page_says_whether_there_is_another)
{
	struct reply r;
	auto_free char *first = e2b_bench_create(&b, NULL), *second = e2b_bench_create(&b, NULL);
	struct ask ask = { .path = "/v2/sandboxes?limit=1", .token = b.key };
	fetch(&b.http, &ask, &r);
	cr_expect(has(&r.head, "X-Next-Token: 1"), "%s", buf_text(&r.head));
	ask_end(&b.http, &r);
	ask.path = "/v2/sandboxes?limit=1&nextToken=1";
	fetch(&b.http, &ask, &r);
	cr_expect_not(has(&r.head, "X-Next-Token"), "%s", buf_text(&r.head));
	ask_end(&b.http, &r);
}

static int64_t end_of(const char *id)
{
	return vm_times(vm_find(b.vms, "ann", id, &(struct err){ 0 })).timeout;
}

/* As clients write that they have no opinion. */
Test(e2b_control, null_is_absent)
{
	auto_free char *id = e2b_bench_create(&b,
		"{\"templateID\": \"base\", \"timeout\": null, \"metadata\": null, \"envVars\": "
		"null, \"autoPause\": null, \"autoPauseMemory\": null, \"autoResume\": null, "
		"\"allow_internet_access\": null, \"network\": null, \"volumeMounts\": null, "
		"\"iam\": null, \"mcp\": null, \"secure\": null}");
	cr_expect_gt(end_of(id), clock_wall_ms() + 290000);
	json_decref(e2b_bench_get(
		&b, 200, "POST", path_of(id, "/connect"), "{\"timeout\": null, \"memory\": null}"));
	json_decref(e2b_bench_get(&b, 201, "POST", path_of(id, "/snapshots"), "{\"name\": null}"));
}

Test(e2b_control, connecting_only_extends)
{
	auto_free char *id = e2b_bench_create(&b, "{\"templateID\": \"base\", \"timeout\": 300}");
	int64_t end = end_of(id);
	json_auto_t *same =
		e2b_bench_get(&b, 200, "POST", path_of(id, "/connect"), "{\"timeout\": 10}");
	cr_expect_str_eq(text_of(same, "sandboxID"), id);
	cr_expect_eq(end_of(id), end);
	json_decref(e2b_bench_get(&b, 200, "POST", path_of(id, "/connect"), "{\"timeout\": 900}"));
	cr_expect_gt(end_of(id), end + 500000);
	json_decref(e2b_bench_get(&b, 204, "POST", path_of(id, "/timeout"), "{\"timeout\": 30}"));
	cr_expect_lt(end_of(id), end);
	json_decref(
		e2b_bench_get(&b, 204, "POST", path_of(id, "/refreshes"), "{\"duration\": 600}"));
	cr_expect_gt(end_of(id), end);
	expect_code(400, "POST", path_of(id, "/timeout"), "{}");
	expect_code(400, "POST", path_of(id, "/timeout"), "{\"timeout\": -1}");
	expect_code(400, "POST", path_of(id, "/connect"), "{\"timeout\": 0}");
	json_decref(e2b_bench_get(&b, 204, "POST", path_of(id, "/timeout"), "{\"timeout\": 0}"));
	expect_code(404, "GET", path_of(id, ""), NULL);
}

Test(e2b_control, a_paused_sandbox_stays_until_it_is_resumed)
{
	auto_free char *id = e2b_bench_create(
		&b, "{\"templateID\": \"base\", \"timeout\": 300, \"metadata\": {\"a\": \"1\"}}");
	json_auto_t *before = e2b_bench_get(&b, 200, "GET", path_of(id, ""), NULL);
	json_decref(e2b_bench_get(&b, 204, "POST", path_of(id, "/pause"), "{\"memory\": true}"));
	expect_code(409, "POST", path_of(id, "/pause"), "{}");
	expect_code(409, "POST", path_of(id, "/fork"), "{}");
	expect_code(409, "POST", path_of(id, "/timeout"), "{\"timeout\": 1}");
	cr_expect_eq(end_of(id), 0, "its timeout would end it");
	json_auto_t *paused = e2b_bench_get(&b, 200, "GET", path_of(id, ""), NULL);
	cr_expect_str_eq(text_of(paused, "state"), "paused");
	cr_expect_str_eq(text_of(paused, "startedAt"), text_of(before, "startedAt"));
	cr_expect_eq(count("state=paused"), 1);
	cr_expect_eq(count("state=running"), 0);
	json_auto_t *resumed =
		e2b_bench_get(&b, 201, "POST", path_of(id, "/connect"), "{\"timeout\": 60}");
	cr_expect_str_eq(text_of(resumed, "envdAccessToken"), text_of(before, "envdAccessToken"));
	cr_expect_gt(end_of(id), 0);
	json_auto_t *after = e2b_bench_get(&b, 200, "GET", path_of(id, ""), NULL);
	cr_expect(json_equal(
		json_object_get(after, "metadata"), json_object_get(before, "metadata")));
}

static bool is_paused(const char *id)
{
	return vm_state(vm_find(b.vms, "ann", id, &(struct err){ 0 })) == VM_PAUSED;
}

Test(e2b_control, no_time_left_is_the_timeout)
{
	auto_free char *id = e2b_bench_create(
		&b, "{\"templateID\": \"base\", \"timeout\": 300, \"autoPause\": true}");
	json_decref(e2b_bench_get(&b, 204, "POST", path_of(id, "/timeout"), "{\"timeout\": 0}"));
	until(&b.http, is_paused(id));
	json_decref(e2b_bench_get(&b, 201, "POST", path_of(id, "/connect"), "{\"timeout\": 60}"));
	cr_expect_gt(end_of(id), clock_wall_ms());
}

Test(e2b_control, forks_are_sandboxes_of_their_own)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	int64_t end = end_of(id);
	json_auto_t *forks = e2b_bench_get(
		&b, 201, "POST", path_of(id, "/fork"), "{\"count\": 2, \"timeout\": 60}");
	cr_assert_eq(json_array_size(forks), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *fork = json_object_get(json_array_get(forks, i), "sandbox");
		const char *other = text_of(fork, "sandboxID");
		cr_expect_str_neq(other, id);
		cr_expect_lt(end_of(other), end);
		json_auto_t *shown = e2b_bench_get(&b, 200, "GET", path_of(other, ""), NULL);
		cr_expect_str_eq(text_of(shown, "templateID"), "base");
	}
	cr_expect_eq(end_of(id), end);
	expect_code(400, "POST", path_of(id, "/fork"), "{\"count\": 0}");
	expect_code(400, "POST", path_of(id, "/fork"), "{\"count\": 21}");
}

Test(e2b_control, snapshots_are_templates)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	json_auto_t *taken =
		e2b_bench_get(&b, 201, "POST", path_of(id, "/snapshots"), "{\"name\": \"mine\"}");
	const char *snapshot = text_of(taken, "snapshotID");
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(taken, "names"), 0)),
		"ann/mine:default");
	json_auto_t *other = e2b_bench_get(&b, 201, "POST", path_of(id, "/snapshots"), NULL);
	json_auto_t *all = e2b_bench_get(&b, 200, "GET", "/snapshots", NULL);
	cr_expect_eq(json_array_size(all), 2);
	json_auto_t *named = e2b_bench_get(&b, 200, "GET", "/snapshots?name=mine", NULL);
	cr_expect_eq(json_array_size(named), 1);
	json_auto_t *none = e2b_bench_get(&b, 200, "GET", "/snapshots?name=yours", NULL);
	cr_expect_eq(json_array_size(none), 0);
	char body[100], path[100];
	static const char *const names[] = { "mine", "ann/mine:default", NULL };
	for (size_t i = 0; i < 3; i++) {
		snprintf(body, sizeof(body), "{\"templateID\": \"%s\"}",
			names[i] ? names[i] : snapshot);
		auto_free char *made = e2b_bench_create(&b, body);
		cr_expect(made[0]);
		json_decref(e2b_bench_get(&b, 204, "DELETE", path_of(made, ""), NULL));
	}
	snprintf(path, sizeof(path), "/templates/%s", snapshot);
	json_decref(e2b_bench_get(&b, 204, "DELETE", path, NULL));
	expect_code(404, "DELETE", path, NULL);
}

Test(e2b_control, what_another_principal_has_is_not_there)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	static const char *const rest[] = { "", "/metrics", "/logs" };
	for (size_t i = 0; i < 3; i++) {
		const struct e2b_ask ask = {
			.method = "GET", .path = path_of(id, rest[i]), .key = b.other_key
		};
		cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 404, "%s", rest[i]);
	}
	const struct e2b_ask kill = {
		.method = "DELETE", .path = path_of(id, ""), .key = b.other_key
	};
	cr_expect_eq(e2b_bench_ask(&b, &kill, NULL), 404);
	json_t *list;
	const struct e2b_ask ask = { .method = "GET", .path = "/v2/sandboxes", .key = b.other_key };
	cr_expect_eq(e2b_bench_ask(&b, &ask, &list), 200);
	cr_expect_eq(json_array_size(list), 0);
	json_decref(list);
	json_decref(e2b_bench_get(&b, 200, "GET", path_of(id, ""), NULL));
}

Test(e2b_control, a_sandbox_of_the_other_door_is_there_too)
{
	struct err err;
	struct vm *vm = vm_create(b.vms, "ann", NULL, &err);
	cr_assert(vm, "%s", err.text);
	json_auto_t *shown = e2b_bench_get(&b, 200, "GET", path_of(vm_id(vm), ""), NULL);
	cr_expect_str_eq(text_of(shown, "state"), "running");
	cr_expect_eq(count(""), 1);
}

Test(e2b_control, networks_that_cannot_be_had_are_said)
{
	auto_free char *id = e2b_bench_create(
		&b, "{\"templateID\": \"base\", \"allow_internet_access\": false}");
	const char *network = path_of(id, "/network");
	json_auto_t *shown = e2b_bench_get(&b, 200, "GET", path_of(id, ""), NULL);
	cr_expect(json_is_false(json_object_get(shown, "allowInternetAccess")));
	json_decref(e2b_bench_get(&b, 204, "PUT", network, "{\"denyOut\": [\"0.0.0.0/0\"]}"));
	json_decref(e2b_bench_get(&b, 204, "PUT", network, "{}"));
	expect_code(501, "PUT", network, "{\"allowOut\": [\"1.1.1.1\"]}");
}

Test(e2b_control, metrics_and_logs_begin_with_the_sandbox)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	json_auto_t *metrics = e2b_bench_get(&b, 200, "GET", path_of(id, "/metrics"), NULL);
	cr_expect(json_is_array(metrics));
	json_auto_t *logs = e2b_bench_get(&b, 200, "GET", path_of(id, "/logs"), NULL);
	cr_expect(json_is_array(json_object_get(logs, "logs")));
	cr_expect(json_is_array(json_object_get(logs, "logEntries")));
}

/* Nobody knows its id. */
Test(e2b_control, a_sandbox_ends_when_its_creator_leaves_before_it_is_ready)
{
	struct reply r;
	const struct ask ask = {
		.path = "/v2/sandboxes", .body = "{\"templateID\": \"base\"}", .token = b.key
	};
	ask_begin(&b.http, &ask, &r);
	until(&b.http, vm_at(b.vms, "ann", 0));
	cr_assert_eq(vm_state(vm_at(b.vms, "ann", 0)), VM_STARTING);
	http_drop_owner(b.http.http, "ann");
	until(&b.http, !vm_at(b.vms, "ann", 0));
	ask_end(&b.http, &r);
}

Test(e2b_control, a_body_that_is_cut_short_does_nothing)
{
	auto_buf struct buf request = { 0 }, got = { 0 };
	int fd = raw_open(&b.http);
	buf_printf(&request,
		"POST /v2/sandboxes HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n"
		"Transfer-Encoding: chunked\r\n\r\n16\r\n{\"templateID\": \"base\"}\r\n",
		b.key);
	raw_send(&b.http, fd, buf_text(&request));
	fixture_settle(&b.http);
	close(fd);
	fixture_settle(&b.http);
	cr_expect_null(vm_at(b.vms, "ann", 0));
	fd = raw_open(&b.http);
	raw_send(&b.http, fd, buf_text(&request));
	raw_send(&b.http, fd, "zzz\r\n");
	raw_until_closed(&b.http, fd, &got);
	close(fd);
	cr_expect_null(vm_at(b.vms, "ann", 0));
}

Test(e2b_control, a_body_that_is_too_long_is_refused)
{
	static char body[E2B_BODY_MAX + 100];
	memset(body, ' ', sizeof(body) - 1);
	body[0] = '{';
	const struct e2b_ask ask = { .method = "POST", .path = "/v2/sandboxes", .body = body };
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 413);
	cr_expect_null(vm_at(b.vms, "ann", 0));
}

static const struct tool remarked = { .name = "test", .title = "A call", .toolset = "shell" };

static void remark(struct vm *vm, int number)
{
	char text[40];
	snprintf(text, sizeof(text), "call %d", number);
	struct activity_record record = {
		.principal = "ann", .vm = vm, .tool = &remarked, .summary = text
	};
	activity_add(&b.activity, &record);
}

Test(e2b_control, logs_have_the_last_lines)
{
	auto_free char *id = e2b_bench_create(&b, NULL);
	struct vm *vm = vm_find(b.vms, "ann", id, &(struct err){ 0 });
	for (int i = 1; i <= 1100; i++) {
		remark(vm, i);
	}
	json_auto_t *got = e2b_bench_get(&b, 200, "GET", path_of(id, "/logs"), NULL);
	const json_t *lines = json_object_get(got, "logEntries");
	size_t n = json_array_size(lines);
	cr_assert_eq(n, 500);
	cr_expect_str_eq(text_of(json_array_get(lines, 0), "message"), "call 601");
	cr_expect_str_eq(text_of(json_array_get(lines, n - 1), "message"), "call 1100");
	json_auto_t *few = e2b_bench_get(&b, 200, "GET", path_of(id, "/logs?limit=3"), NULL);
	cr_expect_eq(json_array_size(json_object_get(few, "logs")), 3);
}

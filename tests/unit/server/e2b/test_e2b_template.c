// USES server PkgConfig::curl
/* The template builder over the fake backend: its requests, what it refuses, and whose it is. */
#include "tests/support/e2b_fixture.h"

#include "base/cleanup.h"
#include "server/e2b/template/build_impl.h"

#include <string.h>

static struct e2b_bench b;

static void setup(void)
{
	e2b_bench_init(&b);
}

static void teardown(void)
{
	e2b_bench_done(&b);
}

TestSuite(e2b_template, .init = setup, .fini = teardown);

struct made {
	char id[40], build[40];
};

static struct made create(const char *name)
{
	struct made made;
	char body[200];
	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"cpuCount\":1,\"memoryMB\":512}", name);
	json_auto_t *json = e2b_bench_get(&b, 202, "POST", "/v3/templates", body);
	snprintf(made.id, sizeof(made.id), "%s", text_of(json, "templateID"));
	snprintf(made.build, sizeof(made.build), "%s", text_of(json, "buildID"));
	return made;
}

enum path { STATUS, START, FILES };

static const char *path_of(const struct made *made, enum path which)
{
	static char path[200];
	if (which == STATUS) {
		snprintf(path, sizeof(path), "/templates/%s/builds/%s/status", made->id,
			made->build);
	} else if (which == START) {
		snprintf(path, sizeof(path), "/v2/templates/%s/builds/%s", made->id, made->build);
	} else {
		snprintf(path, sizeof(path), "/templates/%s/files/hash", made->id);
	}
	return path;
}

static json_t *build_of(const struct made *made)
{
	return e2b_bench_get(&b, 200, "GET", path_of(made, STATUS), NULL);
}

static void start(const struct made *made, const char *body)
{
	json_decref(e2b_bench_get(&b, 202, "POST", path_of(made, START), body));
}

/* Until it has ended. */
static json_t *result_of(const struct made *made)
{
	for (;;) {
		json_t *status = build_of(made);
		if (strcmp(text_of(status, "status"), "building") != 0) {
			return status;
		}
		json_decref(status);
		fixture_turn(&b.http);
	}
}

static void expect_failure(const char *body, const char *why)
{
	struct made made = create("broken");
	start(&made, body);
	json_auto_t *status = result_of(&made);
	cr_expect_str_eq(text_of(status, "status"), "error");
	const char *message = text_of(json_object_get(status, "reason"), "message");
	cr_expect(strstr(message, why), "%s: %s", body, message);
}

Test(e2b_template, a_build_is_a_template)
{
	struct made made = create("mine:v1");
	start(&made, "{\"steps\":[{\"type\":\"ENV\",\"args\":[\"A\",\"1\"]},"
		     "{\"type\":\"RUN\",\"args\":[\"true\"]}],\"force\":true}");
	json_auto_t *status = result_of(&made);
	cr_assert_str_eq(text_of(status, "status"), "ready", "%s", json_dumps(status, 0));
	char body[100];
	snprintf(body, sizeof(body), "{\"templateID\":\"%s\"}", made.id);
	free(e2b_bench_create(&b, body));
	free(e2b_bench_create(&b, "{\"templateID\":\"mine:v1\"}"));
	json_decref(
		e2b_bench_get(&b, 404, "POST", "/v2/sandboxes", "{\"templateID\":\"mine:v2\"}"));
	json_decref(e2b_bench_get(&b, 204, "DELETE", "/templates/mine:v1", NULL));
	json_decref(e2b_bench_get(&b, 404, "DELETE", "/templates/mine:v1", NULL));
}

Test(e2b_template, what_cannot_be_built_says_why)
{
	expect_failure("{\"steps\":[{\"type\":\"MAGIC\",\"args\":[\"x\"]}]}", "RUN, COPY");
	expect_failure("{\"steps\":[{\"type\":\"RUN\",\"args\":[]}]}", "requires 1");
	expect_failure("{\"steps\":[{\"type\":\"COPY\",\"args\":[\"a\",\"b\"]}]}", "not uploaded");
	expect_failure("{\"steps\":[1]}", "step 1");
	expect_failure("{\"fromImage\":\"ubuntu:22.04\"}", "no image");
	expect_failure("{\"fromTemplate\":\"absent\"}", "not found");
}

Test(e2b_template, requests_that_are_refused)
{
	struct made made = create("mine");
	static const char *const names[] = { "", ":v1", "a:", "a b", "a:b:c" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char body[60];
		snprintf(body, sizeof(body), "{\"name\":\"%s\"}", names[i]);
		json_decref(e2b_bench_get(&b, 400, "POST", "/v3/templates", body));
	}
	json_decref(e2b_bench_get(&b, 404, "GET", "/templates/x/builds/y/status", NULL));
	json_decref(e2b_bench_get(&b, 404, "POST", "/v2/templates/x/builds/y", "{}"));
	start(&made, "{\"steps\":[1]}");
	json_decref(e2b_bench_get(&b, 409, "POST", path_of(&made, START), "{}"));
}

Test(e2b_template, another_principal_has_nothing_of_it)
{
	struct made made = create("mine");
	struct e2b_ask ask = { "GET", path_of(&made, STATUS), .key = b.other_key };
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 404);
	ask.path = path_of(&made, FILES);
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 404);
	ask = (struct e2b_ask){ "POST", path_of(&made, START), "{}", b.other_key };
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 404);
}

Test(e2b_template, uploads_need_their_token)
{
	struct made made = create("mine"), other = create("other");
	json_auto_t *link = e2b_bench_get(&b, 201, "GET", path_of(&made, FILES), NULL);
	cr_expect(json_is_false(json_object_get(link, "present")));
	const char *path = strstr(text_of(link, "url"), "/templates/");
	cr_assert(path, "%s", text_of(link, "url"));
	struct e2b_ask put = { "PUT", path, "an archive", .key = "" };
	cr_expect_eq(e2b_bench_ask(&b, &put, NULL), 200);
	json_auto_t *again = e2b_bench_get(&b, 201, "GET", path_of(&made, FILES), NULL);
	cr_expect(json_is_true(json_object_get(again, "present")));
	char wrong[300];
	snprintf(wrong, sizeof(wrong), "%sx", path);
	put.path = wrong;
	cr_expect_eq(e2b_bench_ask(&b, &put, NULL), 401);
	/* that of another template */
	snprintf(wrong, sizeof(wrong), "/templates/%s/files/hash%s", other.id, strchr(path, '?'));
	cr_expect_eq(e2b_bench_ask(&b, &put, NULL), 401);
}

Test(e2b_template, builds_that_do_not_end_are_bounded)
{
	for (int i = 0; i < 8; i++) {
		create("mine");
	}
	json_decref(e2b_bench_get(&b, 429, "POST", "/v3/templates", "{\"name\":\"mine\"}"));
	struct e2b_ask ask = { "POST", "/v3/templates", "{\"name\":\"mine\"}", b.other_key };
	cr_expect_eq(e2b_bench_ask(&b, &ask, NULL), 202, "another principal is not in the way");
}

Test(e2b_template, ended_builds_make_room)
{
	for (int i = 0; i < 70; i++) {
		struct made made = create("broken");
		start(&made, "{\"steps\":[1]}");
	}
}

/* Without the bytes. */
Test(e2b_template, uploads_of_an_owner_have_a_share)
{
	struct e2b e2b = { .event = b.http.event };
	struct e2b_builds *builds = e2b_builds_new(&e2b);
	struct build *one = build_new(builds, "ann", "one"), *two = build_new(builds, "ann", "two");
	struct build *other = build_new(builds, "bob", "other");
	cr_expect(build_hold(one, BUILD_HELD_MAX - 10));
	cr_expect(build_hold(two, 10));
	cr_expect_not(build_hold(two, 1));
	cr_expect_not(build_hold(one, BUILD_HELD_MAX));
	cr_expect(build_hold(other, BUILD_HELD_MAX));
	one->held -= 5;
	cr_expect(build_hold(two, 5));
	e2b_builds_free(builds);
}

Test(e2b_template, a_log_is_bounded)
{
	struct e2b e2b = { .event = b.http.event };
	struct e2b_builds *builds = e2b_builds_new(&e2b);
	struct build *build = build_new(builds, "ann", "one");
	for (int i = 0; i < 20000; i++) {
		build_log(build, "info", "%0*d", BUILD_LOG_LINE_MAX, i);
	}
	cr_expect_lt(json_array_size(build->logs), BUILD_LOG_MAX / BUILD_LOG_LINE_MAX);
	e2b_builds_free(builds);
}

// USES tools server
/* What is counted comes out as Prometheus reads it, whole and only once. */
#include "base/cleanup.h"
#include "server/metrics/metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct tool_set *tools;
static struct metrics *metrics;
static struct activity activity;
static struct metrics_now now;
static struct buf text;

static void setup(void)
{
	struct err err = { 0 };
	tools = tool_set_new("all", &err);
	cr_assert(tools, "%s", err.text);
	metrics = metrics_new(tools);
	metrics_follow(metrics, &activity);
}

static void teardown(void)
{
	buf_done(&text);
	metrics_free(metrics);
	tool_set_free(tools);
}

TestSuite(metrics, .init = setup, .fini = teardown);

static void add(const struct tool *tool, uint64_t us, const struct err *why)
{
	activity_add(&activity, &(struct activity_record){
					.tool = tool, .summary = "x", .why = why, .took_us = us });
}

static void call(const char *tool, uint64_t us, enum err_kind kind)
{
	struct err why = { .kind = kind };
	add(tool_find(tools, tool), us, kind ? &why : NULL);
}

static void write_all(void)
{
	buf_done(&text);
	metrics_write(metrics, &now, &text);
}

/* The value of the sample whose name and labels are `name`; -1: there is none. */
static double value_of(const char *name)
{
	size_t len = strlen(name);
	for (const char *line = buf_text(&text); *line; line = strchr(line, '\n') + 1) {
		if (strncmp(line, name, len) == 0 && line[len] == ' ') {
			return strtod(line + len, NULL);
		}
	}
	return -1;
}

static void expect_value(const char *name, double value)
{
	cr_expect_float_eq(value_of(name), value, 1e-9, "%s is %g", name, value_of(name));
}

Test(metrics, calls_by_tool_and_outcome)
{
	call("left_click", 1500, ERR_NONE);
	call("left_click", 1500, ERR_NONE);
	call("left_click", 10, ERR_ARGUMENT);
	call("screenshot", 10, ERR_LIMIT);
	call("screenshot", 10, ERR_HOST);
	write_all();
	expect_value("vitrine_calls_total{tool=\"left_click\",outcome=\"ok\"}", 2);
	expect_value("vitrine_calls_total{tool=\"left_click\",outcome=\"argument\"}", 1);
	expect_value("vitrine_calls_total{tool=\"left_click\",outcome=\"limit\"}", -1);
	expect_value("vitrine_calls_total{tool=\"screenshot\",outcome=\"ok\"}", 0);
	expect_value("vitrine_calls_total{tool=\"screenshot\",outcome=\"limit\"}", 1);
	expect_value("vitrine_calls_total{tool=\"screenshot\",outcome=\"host\"}", 1);
}

Test(metrics, buckets_hold_all_below_them)
{
	call("key", 1000, ERR_NONE); /* exactly a bound: inside */
	call("key", 1001, ERR_NONE);
	call("key", 700000, ERR_ARGUMENT);
	call("key", 100000000, ERR_NONE); /* beyond every bound */
	write_all();
	expect_value("vitrine_call_seconds_bucket{tool=\"key\",le=\"0.001\"}", 1);
	expect_value("vitrine_call_seconds_bucket{tool=\"key\",le=\"0.0025\"}", 2);
	expect_value("vitrine_call_seconds_bucket{tool=\"key\",le=\"0.5\"}", 2);
	expect_value("vitrine_call_seconds_bucket{tool=\"key\",le=\"1\"}", 3);
	expect_value("vitrine_call_seconds_bucket{tool=\"key\",le=\"60\"}", 3);
	expect_value("vitrine_call_seconds_bucket{tool=\"key\",le=\"+Inf\"}", 4);
	expect_value("vitrine_call_seconds_count{tool=\"key\"}", 4);
	expect_value("vitrine_call_seconds_sum{tool=\"key\"}", 100.702001);
	expect_value("vitrine_call_seconds_count{tool=\"type\"}", -1);
}

Test(metrics, a_tool_of_no_set_is_not_counted)
{
	static const struct tool stranger = { .name = "stranger" };
	add(&stranger, 1, NULL);
	write_all();
	cr_expect_not(strstr(buf_text(&text), "stranger"));
}

Test(metrics, sandboxes_and_links)
{
	metrics_count_start(metrics, 300000, true);
	metrics_count_start(metrics, 1, false);
	metrics_count_ping(metrics, 60);
	now.sandboxes[VM_READY] = 3;
	now.sandboxes[VM_PAUSED] = 2;
	now.sandboxes[VM_STOPPING] = 1;
	write_all();
	expect_value("vitrine_sandbox_start_seconds_bucket{le=\"0.25\"}", 0);
	expect_value("vitrine_sandbox_start_seconds_bucket{le=\"0.35\"}", 1);
	expect_value("vitrine_sandbox_start_seconds_count", 1);
	expect_value("vitrine_sandbox_start_seconds_sum", 0.3);
	expect_value("vitrine_sandbox_start_failures_total", 1);
	expect_value("vitrine_link_round_trip_seconds_bucket{le=\"5e-05\"}", 0);
	expect_value("vitrine_link_round_trip_seconds_bucket{le=\"0.0001\"}", 1);
	expect_value("vitrine_sandboxes{state=\"ready\"}", 3);
	expect_value("vitrine_sandboxes{state=\"starting\"}", 0);
	expect_value("vitrine_sandboxes{state=\"paused\"}", 2);
	expect_value("vitrine_sandboxes{state=\"stopping\"}", 1);
}

Test(metrics, what_others_counted_and_this_process)
{
	now.rejected_auth = 5;
	now.bytes_out = 1ull << 40;
	metrics_read_process(&now);
	write_all();
	expect_value("vitrine_http_rejected_total{reason=\"token\"}", 5);
	expect_value("vitrine_http_rejected_total{reason=\"host\"}", 0);
	expect_value("vitrine_http_sent_bytes_total", 1099511627776);
	expect_value("vitrine_build_info{version=\"" VITRINE_VERSION "\"}", 1);
	cr_expect_gt(value_of("process_resident_memory_bytes"), 100000);
	cr_expect_geq(value_of("process_open_fds"), 3);
	cr_expect_gt(value_of("process_start_time_seconds"), 1.7e9);
	cr_expect_gt(value_of("process_cpu_seconds_total"), 0);
}

/* Each family begins with HELP and TYPE, once; every other line is a sample of the family begun
 * last. */
Test(metrics, the_text_is_well_formed)
{
	call("key", 1, ERR_NONE);
	write_all();
	char family[100] = "";
	char *copy = strdup(buf_text(&text)), *save;
	cr_assert_eq(copy[strlen(copy) - 1], '\n');
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[100], rest[400];
		if (sscanf(line, "# HELP %99s %399[^\n]", name, rest) == 2) {
			char mark[120];
			snprintf(family, sizeof(family), "%s", name);
			snprintf(mark, sizeof(mark), "# TYPE %s ", name);
			cr_expect_null(strstr(strstr(buf_text(&text), mark) + 1, mark), "%s", mark);
		} else if (line[0] != '#') {
			cr_expect_eq(strncmp(line, family, strlen(family)), 0, "%s", line);
			char *end, *value = strrchr(line, ' ') + 1;
			strtod(value, &end);
			cr_expect(end > value && !*end, "%s", line);
		}
	}
	free(copy);
}

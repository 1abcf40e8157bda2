// USES server
/*
 * A sandbox's specification is one table.  Whoever takes one, the command line, a tool, a file on disk
 * or a caller in C, takes and refuses the same.
 */
#include "base/cleanup.h"
#include "server/config/options.h"
#include "tools/call/tool.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct vm_spec whole = {
	.image = "minimal",
	.screen = { 1280, 800 },
	.scale = 150,
	.limits = { 512, 1024, 4096, 1024, 2 },
	.timeout_ms = -1,
	.idle_ms = -1,
};

static bool option_takes(const struct vm_spec_row *row, json_int_t value)
{
	auto_config struct config config = { .values = must(json_array()) };
	struct err err;
	char name[40];
	snprintf(name, sizeof(name), "%s", row->field.name);
	for (char *at = name; (at = strchr(at, '_')); at++) {
		*at = '-';
	}
	const struct option *option = option_find(name);
	cr_assert(option, "no option %s", name);
	cr_assert(option_set_defaults(&config, &err), "%s", err.text);
	return option_set(&config, option, name, json_integer(value), &err);
}

/* Its own file of one member; what is kept is checked like what is asked for. */
static bool disk_takes(const struct vm_spec_row *row, json_int_t value)
{
	struct vm_spec spec = whole, read;
	struct err err;
	json_auto_t *stored = vm_spec_encode(&spec);
	json_int_t kept = !row->ms ? value : value ? value * row->ms : -1;
	cr_assert(json_object_get(stored, row->stored), "%s", row->stored);
	json_object_set_new(stored, row->stored, json_integer(kept));
	bool good = vm_spec_decode(stored, &read, &err);
	if (good) {
		vm_spec_done(&read);
	}
	return good;
}

static bool caller_takes(const struct vm_spec_row *row, json_int_t value)
{
	struct vm_spec spec = whole, made;
	struct err err;
	int64_t *at = (int64_t *)(void *)((char *)&spec + row->at);
	*at = !row->ms ? value : value ? value * row->ms : -1;
	bool good = vm_spec_make(&whole, &spec, &made, &err);
	if (good) {
		vm_spec_done(&made);
	}
	return good;
}

static void check_all(const struct vm_spec_row *row, json_int_t value, bool good)
{
	const char *name = row->field.name;
	cr_expect_eq(option_takes(row, value), good, "option %s %lld", name, (long long)value);
	cr_expect_eq(disk_takes(row, value), good, "stored %s %lld", name, (long long)value);
	cr_expect_eq(caller_takes(row, value), good, "spec %s %lld", name, (long long)value);
}

Test(spec, everyone_has_the_same_bounds)
{
	size_t numbers = 0;
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		const struct vm_spec_row *row = &vm_spec_rows[i];
		json_int_t least = (json_int_t)row->field.min, most = (json_int_t)row->field.max;
		if (row->field.type != FIELD_INT) {
			continue;
		}
		check_all(row, least, true);
		check_all(row, most, true);
		check_all(row, most + 1, false);
		if (least > 1) { /* 0 is "as it was set up" */
			check_all(row, least - 1, false);
		}
		numbers++;
	}
	cr_expect_eq(numbers, 8);
}

/* What a tool shows to clients is what the table says. */
static size_t check_tool(const char *tool)
{
	struct err err;
	struct tool_set *set = tool_set_new("sandbox", &err);
	json_auto_t *shown = tool_describe(tool_find(set, tool));
	const json_t *properties =
		json_object_get(json_object_get(shown, "inputSchema"), "properties");
	size_t n = 0;
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		struct field one[2] = { vm_spec_rows[i].field };
		json_auto_t *schema = field_schema(one);
		json_t *want = json_object_get(json_object_get(schema, "properties"), one->name);
		json_t *got = json_object_get(properties, one->name);
		if (got) {
			/* Left out, it is as the server was set up; a tool may have words of its
			 * own. */
			json_object_del(want, "default");
			json_object_set(want, "description", json_object_get(got, "description"));
			cr_expect(json_equal(want, got), "%s %s", tool, one->name);
			n++;
		}
	}
	tool_set_free(set);
	return n;
}

Test(spec, tools_show_the_table)
{
	cr_expect_eq(check_tool("sandbox_create"), 10);
	cr_expect_eq(check_tool("sandbox_set_timeout"), 1);
}

Test(spec, an_option_has_the_default_of_the_table)
{
	struct vm_spec filled = { 0 };
	auto_config struct config config = { .values = must(json_array()) };
	struct err err;
	vm_spec_fill(&filled);
	cr_assert(option_set_defaults(&config, &err), "%s", err.text);
	const struct vm_spec *default_spec = &config.vm.default_spec;
	cr_expect_eq(default_spec->screen.width, filled.screen.width);
	cr_expect_eq(default_spec->screen.height, filled.screen.height);
	cr_expect_eq(default_spec->limits.processes, filled.limits.processes);
	cr_expect_eq(default_spec->limits.files, filled.limits.files);
	cr_expect_eq(default_spec->limits.disk_mib, filled.limits.disk_mib);
}

static bool make(struct vm_spec spec)
{
	struct vm_spec made;
	struct err err;
	bool good = vm_spec_make(&whole, &spec, &made, &err);
	if (good) {
		vm_spec_done(&made);
	}
	return good;
}

Test(spec, screens_and_words_have_bounds_in_c_too)
{
	char longest[66] = "";
	memset(longest, 'x', 64);
	cr_expect(make((struct vm_spec){ .screen = { 320, 240 }, .image = longest }));
	cr_expect(make((struct vm_spec){ .screen = { 3840, 2160 } }));
	cr_expect_not(make((struct vm_spec){ .screen = { 319, 240 } }));
	cr_expect_not(make((struct vm_spec){ .screen = { 3840, 2161 } }));
	cr_expect_not(make((struct vm_spec){ .screen = { -1, 800 } }));
	longest[64] = 'x';
	cr_expect_not(make((struct vm_spec){ .image = longest }));
	cr_expect_not(make((struct vm_spec){ .image = "" }));
	cr_expect_not(make((struct vm_spec){ .network = 2 }));
	cr_expect_not(make((struct vm_spec){ .on_timeout = -1 }));
}

/* A time below the unit of writing is good in C and on disk: it is not rounded to none. */
Test(spec, times_keep_their_milliseconds)
{
	struct vm_spec spec = whole, read;
	struct err err;
	spec.timeout_ms = 1500;
	spec.idle_ms = 1;
	json_auto_t *stored = vm_spec_encode(&spec);
	cr_assert(vm_spec_decode(stored, &read, &err), "%s", err.text);
	cr_expect_eq(read.timeout_ms, 1500);
	cr_expect_eq(read.idle_ms, 1);
	vm_spec_done(&read);
}

/* As programs before this table wrote it. */
Test(spec, an_old_file_is_read)
{
	struct vm_spec read;
	struct err err;
	json_auto_t *stored =
		json_loads("{\"image\": \"minimal\", \"screen\": [800, 600], \"memory_mib\": 512, "
			   "\"processes\": 1024, \"files\": 4096, \"disk_mib\": 1024, \"cpus\": 0, "
			   "\"network\": \"internet\", \"timeout_ms\": 900000, \"idle_ms\": -1, "
			   "\"on_timeout\": \"pause\", \"labels\": {\"task\": \"report\"}, "
			   "\"from\": \"sssssssssssssssssss1\"}",
			0, NULL);
	cr_assert(vm_spec_decode(stored, &read, &err), "%s", err.text);
	cr_expect_eq(read.screen.height, 600);
	cr_expect_eq(read.scale, 100, "there was no other");
	cr_expect_eq(read.limits.memory_mib, 512);
	cr_expect_eq(read.network, VM_NETWORK_INTERNET);
	cr_expect_eq(read.timeout_ms, 900000);
	cr_expect_eq(read.on_timeout, VM_TIMEOUT_PAUSE);
	json_auto_t *again = vm_spec_encode(&read);
	cr_expect(json_equal(again, stored), "and written the same");
	vm_spec_done(&read);
}

static bool make_objects(const char *environment, const char *api)
{
	json_auto_t *variables = json_loads(environment, 0, NULL), *kept = json_loads(api, 0, NULL);
	return make((struct vm_spec){ .environment = variables, .api = kept });
}

static bool make_big(size_t variables, size_t len)
{
	json_auto_t *environment = must(json_object());
	auto_free char *value = must(calloc(1, len + 1));
	memset(value, 'x', len);
	for (size_t i = 0; i < variables; i++) {
		char name[24];
		snprintf(name, sizeof(name), "V%zu", i);
		json_object_set_new(environment, name, json_string(value));
	}
	return make((struct vm_spec){ .environment = environment });
}

Test(spec, variables_and_what_the_api_keeps_are_stored_and_bounded)
{
	struct vm_spec spec = whole, read;
	struct err err;
	json_auto_t *environment = must(json_pack("{s:s}", "A", "1"));
	json_auto_t *api = must(json_pack("{s:[b]}", "any", 1));
	spec.environment = environment;
	spec.api = api;
	json_auto_t *stored = vm_spec_encode(&spec);
	cr_assert(vm_spec_decode(stored, &read, &err), "%s", err.text);
	cr_expect(json_equal(read.environment, environment));
	cr_expect(json_equal(read.api, api));
	vm_spec_describe(&read, NULL);
	cr_expect(!read.environment && !read.api && !read.labels);
	vm_spec_done(&read);

	cr_expect(make_objects("{\"A\": \"=\"}", "{}"));
	cr_expect_not(make_objects("{\"A=B\": \"\"}", "{}"));
	cr_expect_not(make_objects("{\"VITRINE_A\": \"\"}", "{}"));
	cr_expect_not(make_objects("{\"A\": 1}", "{}"));
	cr_expect_not(make_objects("{}", "[]"));
	cr_expect(make_big(3, 4096));
	cr_expect_not(make_big(1, 4097));
	cr_expect_not(make_big(4, 4096));
	cr_expect(make_big(64, 10));
	cr_expect_not(make_big(65, 10));
}

static bool make_labels(size_t n, size_t len)
{
	json_auto_t *labels = must(json_object());
	auto_free char *value = must(calloc(1, len + 1));
	memset(value, 'x', len);
	for (size_t i = 0; i < n; i++) {
		char name[24];
		snprintf(name, sizeof(name), "L%zu", i);
		json_object_set_new(labels, name, json_string(value));
	}
	return make((struct vm_spec){ .labels = labels });
}

Test(spec, labels_are_bounded_each_and_together)
{
	cr_expect(make_labels(15, 1024));
	cr_expect_not(make_labels(1, 1025));
	cr_expect_not(make_labels(16, 1024));
	cr_expect(make_labels(32, 400));
	cr_expect_not(make_labels(33, 1));
}

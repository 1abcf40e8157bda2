// USES tools
#include "tests/support/fake_call.h"

#include <criterion/criterion.h>
#include <string.h>

/*
 * What clients read of the tools: schemas that every model's checker takes, hints;
 * and what --tools selects.  No tool runs here, so the calls are never made.
 */

static struct tool_set *set_of(const char *selection)
{
	struct err err = { 0 };
	struct tool_set *set = tool_set_new(selection, &err);
	cr_assert_not_null(set, "'%s': %s", selection, err.text);
	return set;
}

/* Those that are about no one sandbox. */
static const char *const at_large[] = { "sandbox_create", "sandbox_list", "snapshot_list",
	"snapshot_delete", "stream_list", "stream_revoke" };
/* The words that some client or model refuses anywhere in a schema. */
static void check_portable(const char *tool, const json_t *value)
{
	static const char *const refused[] = { "$ref", "$defs", "oneOf", "anyOf", "allOf", "not",
		"prefixItems", "patternProperties" };
	const char *key;
	json_t *member;
	size_t i;
	json_object_foreach((json_t *)value, key, member)
	{
		for (size_t r = 0; r < sizeof(refused) / sizeof(refused[0]); r++) {
			cr_expect_str_neq(key, refused[r], "%s uses %s", tool, refused[r]);
		}
		check_portable(tool, member);
	}
	json_array_foreach(value, i, member)
	{
		check_portable(tool, member);
	}
}

static void check_property(const char *tool, const char *name, const json_t *p)
{
	static const char *const types[] = { "string", "integer", "number", "boolean", "array",
		"object" };
	const char *type = json_string_value(json_object_get(p, "type"));
	const char *help = json_string_value(json_object_get(p, "description"));
	bool known = false;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
		known |= strcmp(type, types[i]) == 0;
	}
	cr_expect(known, "%s.%s has no plain type", tool, name);
	cr_expect(help && strlen(help) > 9, "%s.%s is not described", tool, name);
	if (type && strcmp(type, "array") == 0) {
		cr_expect(json_is_object(json_object_get(p, "items")));
	}
	if (type && strcmp(type, "object") == 0) {
		cr_expect(json_is_object(json_object_get(p, "additionalProperties")) ||
			  json_is_object(json_object_get(p, "properties")));
	}
}

/* The selections that together have every tool. */
static const char *const selections[] = { "all", "claude", "openai", "gemini" };
#define N_SELECTIONS (sizeof(selections) / sizeof(selections[0]))

static bool is_at_large(const char *tool)
{
	bool is = false;
	for (size_t i = 0; i < sizeof(at_large) / sizeof(at_large[0]); i++) {
		is |= strcmp(tool, at_large[i]) == 0;
	}
	return is;
}

static void check_schema(const struct tool *tool)
{
	json_auto_t *d = tool_describe(tool);
	const json_t *schema = json_object_get(d, "inputSchema");
	const json_t *props = json_object_get(schema, "properties");
	const char *key;
	json_t *p;
	size_t r;
	cr_expect_str_eq(json_string_value(json_object_get(schema, "type")), "object");
	cr_expect(json_is_false(json_object_get(schema, "additionalProperties")));
	cr_expect_neq(
		!json_object_get(props, "sandbox"), !is_at_large(tool->name), "%s", tool->name);
	check_portable(tool->name, schema);
	json_object_foreach((json_t *)props, key, p)
	{
		check_property(tool->name, key, p);
	}
	json_array_foreach(json_object_get(schema, "required"), r, p)
	{
		cr_expect(json_object_get(props, json_string_value(p)));
	}
}

Test(tools_schema, every_schema_is_portable)
{
	for (size_t s = 0; s < N_SELECTIONS; s++) {
		struct tool_set *set = set_of(selections[s]);
		for (size_t i = 0; tool_at(set, i); i++) {
			check_schema(tool_at(set, i));
		}
		tool_set_free(set);
	}
}

Test(tools_schema, description_is_complete_and_repeatable)
{
	struct tool_set *set = set_of("all");
	for (size_t i = 0; tool_at(set, i); i++) {
		json_auto_t *a = tool_describe(tool_at(set, i)),
			    *b = tool_describe(tool_at(set, i));
		json_t *hints = json_object_get(a, "annotations");
		cr_expect(json_equal(a, b));
		cr_expect(json_string_length(json_object_get(a, "description")) > 20);
		cr_expect(json_string_length(json_object_get(a, "description")) < 400);
		cr_expect(json_string_length(json_object_get(a, "title")) > 0);
		/* Only a person is beyond the sandbox. */
		cr_expect_eq(!json_is_false(json_object_get(hints, "openWorldHint")),
			strcmp(tool_at(set, i)->name, "request_human") == 0);
		cr_expect(!json_is_true(json_object_get(hints, "readOnlyHint")) ||
			  !json_object_get(hints, "destructiveHint"));
		cr_expect_null(json_object_get(a, "outputSchema"));
	}
	tool_set_free(set);
}

Test(tools_schema, main_tools_are_always_loaded)
{
	struct tool_set *set = set_of("all");
	json_auto_t *shot = tool_describe(tool_find(set, "screenshot"));
	json_auto_t *run = tool_describe(tool_find(set, "run_command"));
	json_auto_t *rare = tool_describe(tool_find(set, "middle_click"));
	cr_expect(json_is_true(
		json_object_get(json_object_get(shot, "_meta"), "anthropic/alwaysLoad")));
	cr_expect_eq(json_integer_value(json_object_get(
			     json_object_get(run, "_meta"), "anthropic/maxResultSizeChars")),
		100000);
	cr_expect_null(json_object_get(rare, "_meta"));
	tool_set_free(set);
}

static size_t count(const char *selection)
{
	struct tool_set *set = set_of(selection);
	size_t n = 0;
	while (tool_at(set, n)) {
		n++;
	}
	tool_set_free(set);
	return n;
}

Test(tools_schema, selection)
{
	cr_expect_eq(
		count("computer,shell,terminal,files,code,sandbox,stream,control,media"), count("all"));
	cr_expect_lt(count("computer"), count("all"));
	cr_expect_lt(count("default"), count("all"));
	cr_expect_eq(count("default,media"), count("default") + 1);
	cr_expect_eq(count("default,all"), count("all"));
	cr_expect_eq(count("default,openai"), count("default") + 1);
	cr_expect_eq(count("sandbox"), 12);
	cr_expect_eq(count("shell"), 6);
	cr_expect_eq(count("stream"), 3);
	cr_expect_eq(count("control"), 4);
	cr_expect_eq(count("media"), 1);
	cr_expect_eq(count(" screenshot , left_click,screenshot"), 2);
	cr_expect_eq(count(""), 0);
	cr_expect_eq(count("  "), 0);
	struct tool_set *set = set_of("shell");
	cr_expect_null(tool_find(set, "screenshot"));
	tool_set_free(set);
}

Test(tools_schema, a_wrong_selection_names_the_nearest)
{
	struct err err = { 0 };
	cr_expect_null(tool_set_new("computer,screnshot", &err));
	cr_expect_eq(err.kind, ERR_ARGUMENT);
	cr_expect(strstr(err.text, "'screnshot' is neither a tool nor a toolset; did you mean "
				   "'screenshot'?") == err.text,
		"%s", err.text);
	cr_expect_null(tool_set_new("computer,,shell", &err));
	cr_expect(strstr(err.text, "'' is neither") == err.text, "%s", err.text);
	cr_expect_null(tool_set_new("quite something else", &err));
	cr_expect_null(strstr(err.text, "did you mean"));
}

Test(tools_schema, a_dialect_is_selected_as_a_whole)
{
	cr_expect_eq(count("claude"), 3);
	cr_expect_eq(count("openai"), 1);
	cr_expect_eq(count("gemini"), 29);
	cr_expect_eq(count("gemini,launch,shell"), 30 + count("shell"));
	cr_expect_eq(count("openai,shell,openai"), 1 + count("shell"));
	cr_expect_eq(count("claude,computer"), count("computer") + 3);
	struct tool_set *set = set_of("computer");
	cr_expect_null(tool_find(set, "computer"));
	tool_set_free(set);
	set = set_of("wait");
	cr_expect_str_eq(tool_at(set, 0)->toolset, "computer");
	tool_set_free(set);
}

Test(tools_schema, tools_of_one_name_are_not_combined)
{
	struct err err = { 0 };
	cr_expect_null(tool_set_new("claude,openai", &err));
	cr_expect_eq(err.kind, ERR_ARGUMENT);
	cr_expect(strstr(err.text, "'claude'") && strstr(err.text, "'openai'") &&
			  strstr(err.text, "'computer'"),
		"%s", err.text);
	cr_expect_null(tool_set_new("all,gemini", &err));
	cr_expect(strstr(err.text, "'gemini'") && strstr(err.text, "'computer'"), "%s", err.text);
	cr_expect_null(tool_set_new("click_at", &err));
}

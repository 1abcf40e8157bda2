// USES base
/* One table with a row of every type: what decodes, what is refused with which sentence, what is
 * written back, the schema. */
#include "base/cleanup.h"
#include "tests/support/field_table.h"

#include <criterion/criterion.h>
#include <string.h>

static void refuse(const char *json, const char *sentence)
{
	struct all all;
	struct err err = { 0 };
	json_auto_t *in = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	cr_assert(in, "%s", json);
	cr_assert_not(field_decode(fields, in, &all, &err), "%s", json);
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	cr_assert_str_eq(err.text, sentence);
}

static void accept(const char *json, const char *written)
{
	struct all all;
	struct err err = { 0 };
	json_auto_t *in = json_loads(json, 0, NULL);
	cr_assert(field_decode(fields, in, &all, &err), "%s", err.text);
	json_auto_t *out = field_encode(fields, &all);
	char *text = json_dumps(out, JSON_COMPACT);
	cr_assert_str_eq(text, written);
	free(text);
}

Test(field, accepts_and_writes_back)
{
	accept("{\"at\":[1,2]}", "{\"at\":[1,2]}");
	accept("{\"at\":[1,2],\"points\":[{\"at\":1}]}", "{\"at\":[1,2],\"points\":[{\"at\":1}]}");
	accept("{\"at\":[1.0,-2]}", "{\"at\":[1,-2]}");
	accept("{\"at\":[1,2],\"number\":5.0,\"scale\":1,\"flag\":true}",
		"{\"number\":5,\"flag\":true,\"at\":[1,2]}");
	accept("{\"at\":[1,2],\"number\":2,\"side\":\"right\",\"name\":\"unset\"}",
		"{\"at\":[1,2]}");
	accept("{\"at\":[1,2],\"scale\":0.5,\"side\":\"left\",\"name\":\"x\",\"any\":{\"a\":[1]}}",
		"{\"name\":\"x\",\"scale\":0.5,\"side\":\"left\",\"at\":[1,2],\"any\":{\"a\":[1]}"
		"}");
	accept("{\"at\":[1,2],\"text\":null,\"number\":null,\"region\":[1,2,3,4]}",
		"{\"at\":[1,2],\"region\":[1,2,3,4]}");
	accept("{\"at\":[1,2],\"labels\":{\"task\":\"\",\"who\":\"\\u00e9\"}}",
		"{\"at\":[1,2],\"labels\":{\"task\":\"\",\"who\":\"\u00e9\"}}");
	accept("{\"at\":[9007199254740993,2],\"free_number\":-9223372036854775808}",
		"{\"free_number\":-9223372036854775808,\"at\":[9007199254740993,2]}");
}

Test(field, defaults_without_an_object)
{
	static const struct field some[] = {
		FIELD_STR(struct all, name, "A name.", .default_text = "unset"),
		FIELD_NUM(struct all, number, "A number.", .default_value = 7),
		FIELD_ONE_OF(struct all, side, "A side.", sides, .default_value = -1),
		{ .name = NULL },
	};
	struct all all = { .flag = true };
	struct err err;
	cr_assert(field_decode(some, NULL, &all, &err));
	cr_assert_str_eq(all.name, "unset");
	cr_assert_eq(all.number, 7);
	cr_assert_eq(all.side, -1);
	cr_assert(all.flag, "what the table does not name stays");
	json_auto_t *out = field_encode(some, &all);
	cr_assert_eq(json_object_size(out), 0);
}

Test(field, a_zero_outside_the_range_is_absent)
{
	struct all all = { .name = "unset", .at = { 2, { 3, 4 } }, .side = 1 };
	json_auto_t *out = field_encode(fields, &all);
	cr_assert_null(json_object_get(out, "number"));
	cr_assert_null(json_object_get(out, "scale"));
	cr_assert_eq(json_object_size(out), 1);
}

Test(field, sentences)
{
	refuse("{\"at\":\"10,20\"}",
		"'at' must be a list of 2 integers, such as [100, 200]; got \"10,20\"");
	refuse("{\"at\":[1,2,3]}",
		"'at' must be a list of 2 integers, such as [100, 200]; got [1,2,3]");
	refuse("{\"at\":[1,2.5]}",
		"'at' must be a list of 2 integers, such as [100, 200]; got [1,2.5]");
	refuse("{\"at\":[1,1e300]}", "'at' must be a list of 2 integers, such as [100, 200]; got "
				     "[1,1e300]");
	accept("{\"at\":[1,2],\"words\":[\"a\",\"\"],\"place\":{\"at\":7}}",
		"{\"at\":[1,2],\"words\":[\"a\",\"\"],\"place\":{\"at\":7}}");
	refuse("{\"at\":[1,2],\"words\":[]}",
		"'words' must be a list of 1 to 3 strings of at most 255 bytes; got []");
	refuse("{\"at\":[1,2],\"words\":[\"a\\u0000b\"]}",
		"'words' must be a list of 1 to 3 strings of at most 255 bytes; got [\"a\\u0000b\"]");
	refuse("{\"at\":[1,2],\"words\":[\"a\",1]}",
		"'words' must be a list of 1 to 3 strings of at most 255 bytes; got [\"a\",1]");
	refuse("{\"at\":[1,2],\"place\":[]}", "'place' must be an object; got []");
	refuse("{\"at\":[1,2],\"points\":{}}", "'points' must be a list of 1 to 2 objects; got {}");
	refuse("{\"at\":[1,2],\"points\":[]}", "'points' must be a list of 1 to 2 objects; got []");
	refuse("{\"at\":[1,2],\"points\":[{},1]}",
		"'points' must be a list of 1 to 2 objects; got [{},1]");
	refuse("{}", "'at' is missing; it must be a list of 2 integers, such as [100, 200]");
	refuse("{\"at\":null}",
		"'at' is missing; it must be a list of 2 integers, such as [100, 200]");
	refuse("{\"at\":[1,2],\"region\":[1]}",
		"'region' must be a list of 4 integers, such as [100, 200, 500, 400]; got [1]");
	refuse("{\"at\":[1,2],\"number\":9}", "'number' must be an integer from 1 to 5; got 9");
	refuse("{\"at\":[1,2],\"number\":\"3\"}",
		"'number' must be an integer from 1 to 5; got \"3\"");
	refuse("{\"at\":[1,2],\"number\":true}",
		"'number' must be an integer from 1 to 5; got true");
	refuse("{\"at\":[1,2],\"free_number\":0.5}", "'free_number' must be an integer; got 0.5");
	refuse("{\"at\":[1,2],\"scale\":2}", "'scale' must be a number from 0.5 to 1; got 2");
	refuse("{\"at\":[1,2],\"scale\":0.05}", "'scale' must be a number from 0.5 to 1; got 0.05");
	refuse("{\"at\":[1,2],\"scale\":1.0000000000000002}",
		"'scale' must be a number from 0.5 to 1; got 1.0000000000000002");
	refuse("{\"at\":[1,2],\"flag\":1}", "'flag' must be true or false; got 1");
	refuse("{\"at\":[1,2],\"side\":\"lft\"}",
		"'side' must be one of 'left', 'right'; got \"lft\"");
	refuse("{\"at\":[1,2],\"text\":\"\"}",
		"'text' must be a string of 1 to 10 bytes; got 0 bytes");
	refuse("{\"at\":[1,2],\"text\":\"12345678901\"}",
		"'text' must be a string of 1 to 10 bytes; got 11 bytes");
	refuse("{\"at\":[1,2],\"name\":7}", "'name' must be a string; got 7");
	refuse("{\"at\":[1,2],\"name\":\"a\\u0000b\"}", "'name' must not contain a NUL character");
	refuse("{\"numer\":1}", "unknown argument 'numer'; did you mean 'number'?");
	refuse("[]", "the arguments must be an object; got []");
}

#define LABELS_MUST \
	"'labels' must be an object of at most 2 strings, such as {\"task\": \"invoices\"}, " \
	"names of " \
	"1 to 63 bytes, values of at most 255; got "

Test(field, maps)
{
	char text[400], long_text[300];
	static const char *const wrong[] = { "[]", "\"a\"", "{\"\":\"a\"}", "{\"a\":1}",
		"{\"a\":null}", "{\"a\":{}}", "{\"a\":\"b\\u0000\"}",
		"{\"a\":\"\",\"b\":\"\",\"c\":\"\"}" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = { 0 };
		struct all all;
		snprintf(text, sizeof(text), "{\"at\":[1,2],\"labels\":%s}", wrong[i]);
		json_auto_t *in = json_loads(text, JSON_ALLOW_NUL, NULL);
		cr_assert(in);
		cr_assert_not(field_decode(fields, in, &all, &err), "%s", wrong[i]);
		cr_expect_eq(
			strncmp(err.text, LABELS_MUST, strlen(LABELS_MUST)), 0, "%s", err.text);
	}
	for (int len = 63; len <= 64; len++) {
		memset(long_text, 'x', sizeof(long_text));
		json_auto_t *in = json_pack("{s:[ii], s:{s#:s#}}", "at", 1, 2, "labels", long_text,
			len, long_text, len == 63 ? 255 : 1);
		struct all all;
		struct err err;
		cr_expect_eq(field_decode(fields, in, &all, &err), len == 63, "%d", len);
	}
}

Test(field, what_came_is_cut_between_characters)
{
	struct all all;
	struct err err;
	auto_free char *json = NULL;
	char value[400] = "";
	for (int shift = 0; shift < 4; shift++) {
		int len = snprintf(value, sizeof(value), "%.*s", shift, "xxx");
		while (len + 3 < 300) {
			len += snprintf(value + len, sizeof(value) - (size_t)len, "\xe2\x82\xac");
		}
		json_auto_t *in = json_pack("{s:[ii], s:s}", "at", 1, 2, "side", value);
		cr_assert_not(field_decode(fields, in, &all, &err));
		cr_assert_null(strchr(err.text, '?'), "%s", err.text);
		cr_assert(strstr(err.text, "\xe2\x82\xac..."), "%s", err.text);
		cr_assert_leq(strlen(strstr(err.text, "got ")), 4 + 60 + 3);
	}
}

Test(field, an_unknown_member_far_from_all_lists_them)
{
	struct all all;
	struct err err;
	json_auto_t *in = json_pack("{s:i}", "zzzzzzzzz", 1);
	cr_assert_not(field_decode(fields, in, &all, &err));
	cr_assert(strstr(err.text, "'text', 'name', 'number'"), "%s", err.text);
}

Test(field, schema)
{
	json_auto_t *schema = field_schema(fields);
	json_auto_t *wanted = json_loads(
		"{\"type\":\"object\",\"properties\":{"
		"\"text\":{\"type\":\"string\",\"description\":\"A text.\","
		"\"maxLength\":10},"
		"\"name\":{\"type\":\"string\",\"description\":\"A name.\",\"default\":\"unset\"},"
		"\"number\":{\"type\":\"integer\",\"description\":\"A number.\",\"minimum\":1,"
		"\"maximum\":5,\"default\":2},"
		"\"free_number\":{\"type\":\"integer\",\"description\":\"Any number.\"},"
		"\"scale\":{\"type\":\"number\",\"description\":\"A scale.\",\"minimum\":0.5,"
		"\"maximum\":1,\"default\":1},"
		"\"flag\":{\"type\":\"boolean\",\"description\":\"A flag.\"},"
		"\"side\":{\"type\":\"string\",\"description\":\"A side.\",\"enum\":[\"left\","
		"\"right\"],\"default\":\"right\"},"
		"\"at\":{\"type\":\"array\",\"description\":\"A point.\",\"items\":{\"type\":"
		"\"integer\"},\"minItems\":2,\"maxItems\":2},"
		"\"region\":{\"type\":\"array\",\"description\":\"A region.\",\"items\":{\"type\":"
		"\"integer\"},\"minItems\":4,\"maxItems\":4},"
		"\"labels\":{\"type\":\"object\",\"description\":\"Labels.\","
		"\"additionalProperties\":{\"type\":\"string\"}},"
		"\"words\":{\"type\":\"array\",\"description\":\"Words.\",\"items\":{"
		"\"type\":\"string\"},\"minItems\":1,\"maxItems\":3},"
		"\"place\":{\"type\":\"object\",\"description\":\"A place.\",\"properties\":{"
		"\"at\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":2,"
		"\"maxItems\":2}},\"required\":[\"at\"],\"additionalProperties\":false},"
		"\"points\":{\"type\":\"array\",\"description\":\"Points.\",\"items\":{"
		"\"type\":\"object\",\"properties\":{\"at\":{\"type\":\"array\",\"items\":{"
		"\"type\":\"integer\"},\"minItems\":2,\"maxItems\":2}},\"required\":[\"at\"],"
		"\"additionalProperties\":false},\"minItems\":1,\"maxItems\":2},"
		"\"any\":{\"description\":\"Anything.\"}},"
		"\"required\":[\"at\"],\"additionalProperties\":false}",
		0, NULL);
	auto_free char *text = json_dumps(schema, JSON_INDENT(1));
	cr_assert(json_equal(schema, wanted), "%s", text);
}

Test(field, find)
{
	cr_assert_eq(field_find(fields, "number"), &fields[2]);
	cr_assert_null(field_find(fields, "none"));
}

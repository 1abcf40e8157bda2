// USES server
/* The writer of JSON against jansson's. */
#include "server/mcp/json_write.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>

Test(json_write, says_what_jansson_says)
{
	static const char *const samples[] = {
		"{}",
		"[]",
		"[1,-2.5,true,false,null,\"\"]",
		"{\"a\":{\"b\":[[],{}]},\"\\\"k\\u00e9y\":1}",
		"[\"plain\",\"q\\\"uote\",\"back\\\\slash\",\"line\\nend\",\"\\u0001\","
		"\"\xf0\x9f\x98\x80\"]",
		"[\"0123456789012345678901234567890123456789012345678901234567890123\"]",
		"[\"012345678901234567890123456789012345678901234567890123456789012\\\"\"]",
		"[\"0123456789012345678901234567890123456789012345678901234567890123\\u00e9\"]",
	};
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		json_auto_t *value = json_loads(samples[i], 0, NULL);
		cr_assert(value, "sample %zu", i);
		auto_free char *want = json_dumps(value, JSON_COMPACT);
		auto_buf struct buf got = { 0 };
		json_write(&got, value);
		cr_assert_str_eq(buf_text(&got), want);
	}
}

Test(json_write, text_that_is_not_utf8_stays_json)
{
	json_auto_t *cut = json_text("caf\xc3");
	cr_assert_str_eq(json_string_value(cut), "caf?");
	json_auto_t *bad = json_stringn_nocheck("\xff\xfe", 2);
	auto_buf struct buf got = { 0 };
	json_write(&got, bad);
	cr_assert_str_eq(buf_text(&got), "null");
}

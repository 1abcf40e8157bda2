// USES base
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_clean(const char *bytes, size_t len, const char *want)
{
	auto_buf struct buf to = { 0 };
	utf8_append_clean(&to, (const uint8_t *)bytes, len);
	cr_expect_str_eq(buf_text(&to), want);
	cr_expect_eq(utf8_is_valid((const uint8_t *)bytes, len),
		to.len == len && memcmp(buf_text(&to), bytes, len) == 0, "%s", want);
	cr_expect(utf8_is_valid(to.data, to.len));
}

#define BAD "\xef\xbf\xbd"

Test(utf8, what_is_no_character_is_replaced)
{
	expect_clean("", 0, "");
	expect_clean("a\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80", 10,
		"a\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80");
	expect_clean("a\0b", 3, "a" BAD "b");
	expect_clean("\xc3", 1, BAD);
	expect_clean("\xc0\x80", 2, BAD BAD);
	expect_clean("\xe0\x9f\xbf", 3, BAD BAD BAD);
	expect_clean("\xed\xa0\x80", 3, BAD BAD BAD);
	expect_clean("\xf4\x90\x80\x80", 4, BAD BAD BAD BAD);
	expect_clean("\xf0\x8f\xbf\xbf", 4, BAD BAD BAD BAD);
	expect_clean("\xf5z", 2, BAD "z");
}

Test(utf8, latin1_is_two_bytes_above_ascii)
{
	auto_buf struct buf to = { 0 };
	utf8_append_latin1(&to, (const uint8_t *)"a\x7f\x80\xff", 4);
	cr_expect_str_eq(buf_text(&to), "a\x7f\xc2\x80\xc3\xbf");
}

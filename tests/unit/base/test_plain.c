// USES base
/* Words of strangers in our sentences. */
#include "base/plain.h"

#include <criterion/criterion.h>

static void check(const char *text, const char *want)
{
	auto_buf struct buf out = { 0 };
	plain_append(&out, text, 200);
	cr_expect_str_eq(buf_text(&out), want);
}

Test(plain, text_stays_as_it_is)
{
	check("", "");
	check("Zażółć gęślą \"jaźń\" \\ 你好 😀", "Zażółć gęślą \"jaźń\" \\ 你好 😀");
	check("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e");
}

Test(plain, controls_become_spaces)
{
	check("a\nb\tc\x1b[1m\x7f"
	      "d",
		"a b c [1m d");
	check("a\xc2\x85"
	      "b\xc2\x9b"
	      "c\u2028d\u2029e",
		"a b c d e");
}

Test(plain, unseen_marks_are_left_out)
{
	check("a\u202ab\u202e"
	      "c\u2066d\u2069e\u200b"
	      "f\ufeffg",
		"abcdefg");
	check("tag\U000e0041\U000e007f!", "tag!");
}

Test(plain, bad_bytes_become_question_marks)
{
	check("caf\xe9", "caf?");
	check("\xc0\xaf \xed\xa0\x80 \xf5 \xe2\x82", "?? ??? ? ??");
}

Test(plain, quotes_cannot_be_left)
{
	auto_buf struct buf out = { 0 };
	plain_quote(&out, "x\" at (0, 0). The user says: \\", 200);
	cr_expect_str_eq(buf_text(&out), "\"x\\\" at (0, 0). The user says: \\\\\"");
}

Test(plain, long_text_is_cut_between_characters)
{
	auto_buf struct buf out = { 0 };
	plain_append(&out, "äääää", 5);
	cr_expect_str_eq(buf_text(&out), "ää...");
	buf_consume(&out, out.len);
	plain_append(&out, "ää", 4);
	cr_expect_str_eq(buf_text(&out), "ää");
}

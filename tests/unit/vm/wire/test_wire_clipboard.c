// USES wire
#include "vm/wire/clipboard.h"

#include <criterion/criterion.h>
#include <string.h>

static bool decodes(const char *text, struct clipboard_wish *ret)
{
	struct err err;
	json_auto_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	cr_assert_not_null(json);
	return clipboard_wish_decode(json, ret, &err);
}

Test(wire_clipboard, a_wish_is_types_in_their_order)
{
	struct clipboard_wish wish;
	cr_assert(decodes("[\"image/png\",\"text/plain\"]", &wish));
	cr_expect_eq(wish.n, 2);
	cr_expect_eq(wish.types[0], CLIPBOARD_PNG);
	cr_expect_eq(wish.types[1], CLIPBOARD_TEXT);
	json_auto_t *back = clipboard_wish_encode(&wish);
	cr_expect_str_eq(json_string_value(json_array_get(back, 0)), "image/png");
	cr_assert(decodes("[\"text/plain\"]", &wish));
	cr_expect(clipboard_wish_has(&wish, CLIPBOARD_TEXT));
	cr_expect_not(clipboard_wish_has(&wish, CLIPBOARD_PNG));
}

Test(wire_clipboard, other_wishes_are_refused)
{
	static const char *const bad[] = { "[]", "{}", "7", "[7]", "[\"text/rtf\"]",
		"[\"text/plain\",\"text/plain\"]", "[\"text/plain\",null]" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct clipboard_wish wish;
		cr_expect_not(decodes(bad[i], &wish), "%s", bad[i]);
	}
}

static enum err_kind kind_of(int type, const char *bytes, size_t len)
{
	struct err err = { 0 };
	bool good = clipboard_check(type, bytes, len, &err);
	cr_expect_eq(good, err.kind == ERR_NONE);
	return err.kind;
}

Test(wire_clipboard, contents_are_what_they_are_called)
{
	cr_expect_eq(kind_of(CLIPBOARD_TEXT, "", 0), ERR_NONE);
	cr_expect_eq(kind_of(CLIPBOARD_TEXT, "caf\xc3\xa9", 5), ERR_NONE);
	cr_expect_eq(kind_of(CLIPBOARD_TEXT, "a\0b", 3), ERR_ARGUMENT);
	cr_expect_eq(kind_of(CLIPBOARD_TEXT, "\xff", 1), ERR_ARGUMENT);
	cr_expect_eq(kind_of(CLIPBOARD_PNG, "\x89PNG\r\n\x1a\nx", 9), ERR_NONE);
	cr_expect_eq(kind_of(CLIPBOARD_PNG, "\x89PNG\r\n\x1a\n", 8), ERR_ARGUMENT);
	cr_expect_eq(kind_of(CLIPBOARD_PNG, "", 0), ERR_ARGUMENT);
	char *large = calloc(1, CLIPBOARD_MAX + 1);
	for (int type = 0; type < CLIPBOARD_TYPES; type++) {
		cr_expect_eq(kind_of(type, large, clipboard_type_max(type) + 1), ERR_LIMIT);
	}
	free(large);
}

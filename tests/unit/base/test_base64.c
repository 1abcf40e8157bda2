// USES base
/* base64 there and back, against the examples of RFC 4648, section 10. */
#include "base/base64.h"
#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>

Test(base64, the_rfcs_examples_both_ways)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		size_t len, back_len = 99, plain = strlen(pairs[i][0]);
		auto_free char *text = base64_encode(pairs[i][0], plain, &len);
		cr_expect_str_eq(text, pairs[i][1]);
		cr_expect_eq(len, strlen(pairs[i][1]));
		auto_free char *back = base64_decode(text, &back_len);
		cr_assert_not_null(back);
		cr_expect_eq(back_len, plain);
		cr_expect_eq(memcmp(back, pairs[i][0], plain), 0);
	}
}

Test(base64, every_byte_at_every_place_of_a_group)
{
	for (int lead = 0; lead < 3; lead++) {
		unsigned char bytes[3 + 256] = { 0 };
		for (int i = 0; i < 256; i++) {
			bytes[lead + i] = (unsigned char)i;
		}
		size_t len, back_len;
		auto_free char *text = base64_encode(bytes, (size_t)lead + 256, &len);
		auto_free char *back = base64_decode(text, &back_len);
		cr_assert_not_null(back);
		cr_expect_eq(back_len, (size_t)lead + 256);
		cr_expect_eq(memcmp(back, bytes, back_len), 0);
	}
}

Test(base64, what_is_not_base64_is_refused)
{
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Z===", "====", "Zm9v=", "Zg==Zg==", "Zm9*", "Zm 9v", "Zm9v\n",
		"Z=g=", "Zm9\x80" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		size_t len = 0;
		auto_free char *bytes = base64_decode(bad[i], &len);
		cr_expect_null(bytes, "\"%s\" was taken", bad[i]);
	}
}

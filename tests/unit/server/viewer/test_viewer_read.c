// USES server
/* What the viewer's pages read of requests: paths, numbers, cookies, names. */
#include "server/viewer/parse.h"

#include "base/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

#define ID "abcdefghij0123456789"
#define SECRET "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcd-_x"

Test(viewer_read, a_path_has_an_id_and_a_rest)
{
	struct viewer_path path;
	cr_assert(viewer_path_read("/s/", "/s/" ID "/pictures/7", &path));
	cr_expect_str_eq(path.id, ID);
	cr_expect_str_eq(path.rest, "pictures/7");
	cr_expect_not(path.bare);
	cr_assert(viewer_path_read("/s/", "/s/" ID "/", &path));
	cr_expect_str_eq(path.rest, "");
	cr_expect_not(path.bare);
	cr_assert(viewer_path_read("/s/", "/s/" ID, &path));
	cr_expect(path.bare);
	cr_expect_str_eq(path.rest, "");
}

Test(viewer_read, what_is_no_path)
{
	static const char *const bad[] = { "", "/", "/s", "/s/", "/s/abc", "/s/" ID "x",
		"/t/" ID "/", "/s/ABCDEFGHIJ0123456789/", "/s/abcdefghij012345678.", "s/" ID };
	struct viewer_path path;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(viewer_path_read("/s/", bad[i], &path), "%s", bad[i]);
	}
}

Test(viewer_read, numbers_are_of_digits_alone)
{
	cr_expect_eq(viewer_number_read("1", 9), 1);
	cr_expect_eq(viewer_number_read("9", 9), 9);
	cr_expect_eq(viewer_number_read("10", 9), 0);
	cr_expect_eq(viewer_number_read("18446744073709551615", UINT64_MAX), UINT64_MAX);
	cr_expect_eq(viewer_number_read("18446744073709551616", UINT64_MAX), 0);
	static const char *const bad[] = { "", "0", "01", "-1", "+1", " 1", "1 ", "1x", "0x1" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_eq(viewer_number_read(bad[i], 100), 0, "%s", bad[i]);
	}
}

Test(viewer_read, a_cookie_is_found_among_others)
{
	char secret[SECRET_LEN + 1];
	static const char *const good[] = { "v=" SECRET, "a=b; v=" SECRET, "v=" SECRET "; a",
		"xv=1;v=" SECRET, " ;; v=" SECRET " ;" };
	static const char *const bad[] = { "", "v", "v=", "v=short", "v=" SECRET "x", "xv=" SECRET,
		"v =" SECRET, "V=" SECRET, "a=v=" SECRET, "v=\"" SECRET "\"",
		"v=wrong; v=" SECRET };
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect(viewer_cookie_read(good[i], "v", secret), "%s", good[i]);
		cr_expect_str_eq(secret, SECRET);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(viewer_cookie_read(bad[i], "v", secret), "%s", bad[i]);
	}
	cr_expect_not(viewer_cookie_read(NULL, "v", secret));
}

Test(viewer_read, texts_are_cut_between_characters)
{
	static const struct {
		const char *in, *out;
	} cases[] = { { "  Ana  ", "Ana" }, { "A\tna\n", "A na" }, { "", "" }, { " \x7f ", "" },
		{ "1234567", "1234567" }, { "12345678", "1234567" },
		{ "12345\xc3\xa4", "12345\xc3\xa4" }, { "123456\xc3\xa4", "123456" },
		{ "1234  78", "1234  7" }, { "12345  8", "12345" } };
	char out[8];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		utf8_copy_line(out, sizeof(out), cases[i].in);
		cr_expect_str_eq(out, cases[i].out);
	}
}

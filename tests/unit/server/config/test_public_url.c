// USES server
#include "server/config/public_url.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* --public-url taken apart; links, cookies and allow-lists are made of the parts. */

static struct err err;

static void expect(const char *text, const char *base, const char *origin, const char *authority,
	const char *prefix, bool secure)
{
	auto_public_url struct public_url url;
	cr_assert(public_url_init(&url, text, &err), "%s: %s", text, err.text);
	cr_expect_str_eq(url.base, base);
	cr_expect_str_eq(url.origin, origin);
	cr_expect_str_eq(url.authority, authority);
	cr_expect_str_eq(url.prefix ? url.prefix : "-", prefix);
	cr_expect_eq(url.secure, secure);
}

Test(public_url, parts)
{
	expect("https://desk.example", "https://desk.example", "https://desk.example",
		"desk.example", "-", true);
	expect("https://desk.example/", "https://desk.example", "https://desk.example",
		"desk.example", "-", true);
	expect("http://10.0.0.7:8080/a/b-c//", "http://10.0.0.7:8080/a/b-c", "http://10.0.0.7:8080",
		"10.0.0.7:8080", "/a/b-c", false);
	expect("https://[::1]:1/x", "https://[::1]:1/x", "https://[::1]:1", "[::1]:1", "/x", true);
}

Test(public_url, none)
{
	auto_public_url struct public_url url;
	cr_assert(public_url_init(&url, NULL, &err));
	cr_expect_null(url.base);
	cr_expect_null(url.prefix);
}

Test(public_url, what_it_cannot_be)
{
	char longest[PUBLIC_URL_MAX + 2] = "https://desk.example/";
	memset(longest + 21, 'a', sizeof(longest) - 22);
	const char *const wrong[] = { "", "desk.example", "ftp://desk.example", "https://",
		"https:///path", "https://desk.example?x", "https://desk.example/a?x",
		"https://desk.example/a#x", "https://user@desk.example",
		"https://desk.example:99999", "https://desk.example/a b",
		"https://desk.example/a;b", "https://desk.example/a//b",
		"https://desk.example/../b", "https://desk.example/a\r\nX: y",
		"javascript:alert(1)", longest };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct public_url url;
		cr_expect_not(public_url_init(&url, wrong[i], &err), "%s was taken", wrong[i]);
		cr_expect(strstr(err.text, "--public-url must be"));
		cr_expect_null(url.base);
	}
}

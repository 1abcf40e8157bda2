// USES tools
/* Links to files: no part of one can be changed. */
#include "tools/system/file_link.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct digest key = { { 1, 2, 3 } };
static const struct file_link link = { "abc", "d/\xc3\xa9 &?\".txt", FILE_LINK_READ, 1800000000 };

static void signature_of(const struct file_link *of, char ret[DIGEST_HEX_LEN + 1])
{
	auto_buf struct buf url = { 0 };
	file_link_write(&url, &key, of);
	cr_assert_eq(sscanf(strstr(buf_text(&url), "&signature="), "&signature=%64s", ret), 1);
}

Test(file_link, is_a_url)
{
	static const char want[] =
		"/api/sandboxes/abc/files?path=d/%C3%A9%20%26%3F%22.txt&method=read&"
		"expires=1800000000&signature=";
	auto_buf struct buf url = { 0 };
	file_link_write(&url, &key, &link);
	cr_expect_eq(strncmp(buf_text(&url), want, sizeof(want) - 1), 0, "%s", buf_text(&url));
	cr_expect_eq(url.len, sizeof(want) - 1 + DIGEST_HEX_LEN);
}

Test(file_link, any_change_makes_it_invalid)
{
	const struct file_link changed[] = {
		{ "abd", link.path, FILE_LINK_READ, link.expires },
		{ "abc", "d", FILE_LINK_READ, link.expires },
		{ "abc", link.path, FILE_LINK_WRITE, link.expires },
		{ "abc", link.path, FILE_LINK_READ, link.expires + 1 },
		{ "abc", "read:1800000000:d", FILE_LINK_READ, link.expires },
	};
	const struct digest other = { { 1, 2, 4 } };
	char signature[DIGEST_HEX_LEN + 1];
	signature_of(&link, signature);
	cr_expect(file_link_is_signed(&key, &link, signature));
	cr_expect_not(file_link_is_signed(&other, &link, signature));
	cr_expect_not(file_link_is_signed(&key, &link, ""));
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		cr_expect_not(file_link_is_signed(&key, &changed[i], signature), "%zu", i);
	}
}

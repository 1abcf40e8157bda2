// USES server
/* URIs of files: what they name, and what is refused. */
#include "server/methods/resources.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>

#define ID "abcdefghij0123456789"

static struct resource parse(const char *uri)
{
	struct resource what;
	struct err err;
	cr_assert(resource_parse(uri, &what, &err), "%s: %s", uri, err.text);
	cr_expect_eq(what.kind, RESOURCE_FILE);
	cr_expect_str_eq(what.sandbox, ID);
	return what;
}

Test(resource_file, paths_are_decoded)
{
	static const char *const rows[][2] = {
		{ "/", "/" },
		{ "/a%20b/%C3%A9", "/a b/\303\251" },
		{ "/%ff%2F..", "/\\xff/.." },
		{ "/a?offset=5", "/a" },
		{ "/100%25", "/100%" },
		{ "/dir/", "/dir/" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char uri[200];
		snprintf(uri, sizeof(uri), "file://" ID "%s", rows[i][0]);
		struct resource what = parse(uri);
		cr_expect_str_eq(what.file.path, rows[i][1]);
		resource_done(&what);
	}
}

Test(resource_file, a_part_is_named)
{
	struct resource what = parse("file://" ID "/a?offset=12&length=500000");
	cr_expect_eq(what.file.offset, 12);
	cr_expect_eq(what.file.length, 500000);
	resource_done(&what);
	what = parse("file://" ID "/a");
	cr_expect_eq(what.file.offset + what.file.length, 0);
	resource_done(&what);
}

Test(resource_file, what_is_wrong_is_refused)
{
	static const char *const wrong[] = { "file://", "file:///etc/passwd", "file://" ID,
		"file://" ID "x/", "file://ABCDEFGHIJ0123456789/a", "file://" ID "/%",
		"file://" ID "/%4", "file://" ID "/%zz", "file://" ID "/%00", "file://" ID "/a?",
		"file://" ID "/a?length=", "file://" ID "/a?length=500001",
		"file://" ID "/a?offset=-1", "file://" ID "/a?offset=99999999999999999999",
		"file://" ID "/a?size=1", "file://" ID "/a?offset=1x", "File://" ID "/a",
		"desktop://" ID "/file" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct resource what;
		struct err err = { 0 };
		bool ok = resource_parse(wrong[i], &what, &err);
		if (strcmp(wrong[i], "file://" ID "/a?") == 0) {
			cr_expect(ok, "an empty query is none");
			resource_done(&what);
			continue;
		}
		cr_expect_not(ok, "%s", wrong[i]);
		cr_expect(ok || err.text[0]);
	}
}

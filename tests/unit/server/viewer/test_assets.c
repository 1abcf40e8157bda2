// USES server
#include "server/viewer/assets.h"

#include <criterion/criterion.h>
#include <string.h>

/* The pages that are inside the program. */

Test(assets, a_page_and_a_module_are_there_whole)
{
	const struct asset *page = asset_find("viewer.html");
	cr_assert(page && page->len > 100);
	cr_assert_eq(strlen(page->bytes), page->len);
	cr_assert(strncmp(page->bytes, "<!doctype html>", 15) == 0);
	cr_assert_str_eq(page->type, "text/html; charset=utf-8");
	cr_assert(page->etag[0] == '"');

	const struct asset *module = asset_find("novnc/core/rfb.js");
	cr_assert(module && strstr(module->bytes, "class RFB"));
	cr_assert_str_eq(module->type, "text/javascript; charset=utf-8");
	cr_assert_not_null(asset_find("novnc/copyright.txt"), "whose work it is, is said");
}

Test(assets, others_are_not)
{
	static const char *const absent[] = { "", "/", "viewer", "../server/main.c", "novnc/",
		NULL };
	for (size_t i = 0; absent[i]; i++) {
		cr_assert_null(asset_find(absent[i]), "%s", absent[i]);
	}
}

/* The strict policy of the pages would break them. */
Test(assets, no_page_has_inline_script_or_style_or_asks_elsewhere)
{
	for (const struct asset *asset = asset_table; asset->path; asset++) {
		if (strncmp(asset->path, "novnc/", 6) == 0) {
			continue;
		}
		cr_assert(asset->type[0], "%s has a type", asset->path);
		cr_assert_null(strstr(asset->bytes, "<style"), "%s", asset->path);
		cr_assert_null(strstr(asset->bytes, " style="), "%s", asset->path);
		cr_assert_null(strstr(asset->bytes, "<script>"), "%s", asset->path);
		cr_assert_null(strstr(asset->bytes, "https://"), "%s", asset->path);
	}
}

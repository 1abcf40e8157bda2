// USES server
/* What a browser, or whoever says to be one, gives the viewer's pages to read: a path, a cookie, a
 * number, a name, and the JSON that asks for control.  One input is all of them in turn. */
#include "base/cleanup.h"
#include "base/utf8.h"
#include "server/viewer/parse.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_path(const char *text)
{
	struct viewer_path path;
	if (viewer_path_read("/s/", text, &path)) {
		assert(id_is_valid(path.id));
		assert(path.rest >= text && path.rest <= text + strlen(text));
		assert(!path.bare || !*path.rest);
	}
}

static void try_cookie(const char *text)
{
	char secret[SECRET_LEN + 1];
	if (viewer_cookie_read(text, "v", secret)) {
		assert(strlen(secret) == SECRET_LEN && !strpbrk(secret, "; \t=\""));
		assert(strstr(text, secret));
	}
}

/* A copy grows no longer, and is of one line. */
static void try_text(const char *text)
{
	char out[16];
	utf8_copy_line(out, sizeof(out), text);
	assert(strlen(out) < sizeof(out) && strlen(out) <= strlen(text));
	for (const char *c = out; *c; c++) {
		assert((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
}

static void try_control(const char *text)
{
	json_auto_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct viewer_control asked = { 0 };
	struct err err;
	if (json_is_object(json) && field_decode(viewer_control_fields, json, &asked, &err)) {
		assert(strlen(asked.viewer) == ID_LEN);
		assert(!asked.take || strlen(asked.take) <= 1000);
		try_text(asked.take ? asked.take : "");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = must(strndup((const char *)data, size));
	try_path(text);
	try_cookie(text);
	assert(viewer_number_read(text, 1000) <= 1000);
	try_text(text);
	try_control(text);
	return 0;
}

#include "vm/wire/clipboard.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <string.h>

#define TEXT_MAX (1u << 20)

static bool is_text(const uint8_t *bytes, size_t len)
{
	return utf8_is_valid(bytes, len);
}

/* No image is decoded here. */
static bool is_png(const uint8_t *bytes, size_t len)
{
	static const uint8_t magic[] = "\x89PNG\r\n\x1a\n";
	return len > sizeof(magic) - 1 && memcmp(bytes, magic, sizeof(magic) - 1) == 0;
}

static const struct row {
	const char *called, *must_be;
	size_t max;
	bool (*is_one)(const uint8_t *bytes, size_t len);
} rows[CLIPBOARD_TYPES] = {
	[CLIPBOARD_TEXT] = { "text", "UTF-8 without NUL bytes", TEXT_MAX, is_text },
	[CLIPBOARD_HTML] = { "HTML", "UTF-8 without NUL bytes", TEXT_MAX, is_text },
	[CLIPBOARD_PNG] = { "an image", "PNG", CLIPBOARD_MAX, is_png },
};

const char *const clipboard_type_names[CLIPBOARD_TYPES + 1] = {
	[CLIPBOARD_TEXT] = "text/plain",
	[CLIPBOARD_HTML] = "text/html",
	[CLIPBOARD_PNG] = "image/png",
};
const char *const clipboard_absence_names[] = { "empty", "secret", "other", NULL };

size_t clipboard_type_max(int type)
{
	return rows[type].max;
}

bool clipboard_check(int type, const void *bytes, size_t len, struct err *err)
{
	const struct row *row = &rows[type];
	if (len > row->max) {
		return err_set(err, ERR_LIMIT, "%s on the clipboard has at most %zu bytes; got %zu",
			row->called, row->max, len);
	}
	return row->is_one(bytes, len) ||
	       err_set(err, ERR_ARGUMENT, "%s on the clipboard must be %s", row->called,
		       row->must_be);
}

json_t *clipboard_wish_encode(const struct clipboard_wish *wish)
{
	json_t *list = must(json_array());
	for (int i = 0; i < wish->n; i++) {
		json_array_append_new(list, json_string(clipboard_type_names[wish->types[i]]));
	}
	return list;
}

static int find_type(const char *word)
{
	int type = 0;
	while (type < CLIPBOARD_TYPES && strcmp(word, clipboard_type_names[type]) != 0) {
		type++;
	}
	return type;
}

bool clipboard_wish_decode(const json_t *json, struct clipboard_wish *ret_wish, struct err *err)
{
	struct clipboard_wish wish = { 0 };
	size_t i;
	json_t *one;
	json_array_foreach(json, i, one)
	{
		int type =
			json_is_string(one) ? find_type(json_string_value(one)) : CLIPBOARD_TYPES;
		if (type == CLIPBOARD_TYPES || clipboard_wish_has(&wish, type)) {
			break;
		}
		wish.types[wish.n++] = type;
	}
	if (wish.n == 0 || (size_t)wish.n < json_array_size(json)) {
		return err_set(
			err, ERR_ARGUMENT, "'types' must be a list of different types of content");
	}
	*ret_wish = wish;
	return true;
}

bool clipboard_wish_has(const struct clipboard_wish *wish, int type)
{
	for (int i = 0; i < wish->n; i++) {
		if (wish->types[i] == type) {
			return true;
		}
	}
	return false;
}

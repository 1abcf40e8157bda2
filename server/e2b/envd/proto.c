#include "server/e2b/envd/proto.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 64

/* "include_entry" as "includeEntry". */
static void to_camel(const char *name, char ret[NAME_MAX_BYTES])
{
	size_t len = 0;
	for (bool upper = false; *name && len < NAME_MAX_BYTES - 1; name++) {
		upper = *name == '_';
		name += upper;
		ret[len++] = (char)(upper ? toupper((unsigned char)*name) : *name);
	}
	ret[len] = '\0';
}

/* A new reference; NULL: it is no integer, or not a text. */
static json_t *integer_of(const json_t *value)
{
	const char *text = json_string_value(value);
	char *end;
	errno = 0;
	long long number = text ? strtoll(text, &end, 10) : 0;
	bool good = text && !errno && end != text && !*end && !isspace((unsigned char)*text);
	return good ? json_integer(number) : NULL;
}

static void take_member(json_t *known, const struct field *f, const json_t *in)
{
	char camel[NAME_MAX_BYTES];
	to_camel(f->name, camel);
	json_t *value = json_object_get(in, camel);
	value = value ? value : json_object_get(in, f->name);
	json_t *number = f->type == FIELD_INT ? integer_of(value) : NULL;
	if (number) {
		json_object_set_new(known, f->name, number);
	} else if (value) {
		json_object_set(known, f->name, value);
	}
}

bool proto_decode(
	const struct field *fields, const json_t *in, json_t **ret_kept, void *out, struct err *err)
{
	json_t *known = must(json_object());
	for (const struct field *f = fields; f->name; f++) {
		take_member(known, f, in);
	}
	if ((!in || json_is_object(in)) && field_decode(fields, known, out, err)) {
		*ret_kept = known;
		return true;
	}
	json_decref(known);
	return in && !json_is_object(in) ? err_set(err, ERR_ARGUMENT, "expected a JSON object")
					 : false;
}

/* In the standard alphabet, with padding; to free(). */
static char *normalize_base64(const char *text)
{
	size_t len = strcspn(text, "=");
	char *plain = must(malloc(len + 4));
	for (size_t i = 0; i < len; i++) {
		plain[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	}
	memcpy(plain + len, "===", (4 - len % 4) % 4);
	plain[(len + 3) / 4 * 4] = '\0';
	return plain;
}

bool proto_bytes(const char *name, const json_t *text, struct buf *to, struct err *err)
{
	size_t len = 0;
	if (text && !json_is_string(text)) {
		return err_set(err, ERR_ARGUMENT, "'%s' must be base64 text", name);
	}
	const char *given = text ? json_string_value(text) : "", *padding = strchr(given, '=');
	auto_free char *plain = normalize_base64(given);
	auto_free void *bytes = base64_decode(plain, &len);
	if (!bytes || (padding && strspn(padding, "=") != strlen(padding))) {
		return err_set(err, ERR_ARGUMENT, "'%s' is not valid base64", name);
	}
	buf_append(to, bytes, len);
	return true;
}

/* Parses the pages' requests: paths, cookies, names of users. */
#include "server/viewer/parse.h"

#include <string.h>

bool viewer_path_read(const char *prefix, const char *path, struct viewer_path *ret_path)
{
	struct viewer_path out = { .rest = "" };
	size_t len = strlen(prefix);
	if (strncmp(path, prefix, len) != 0 || strlen(path + len) < ID_LEN) {
		return false;
	}
	memcpy(out.id, path + len, ID_LEN);
	const char *rest = path + len + ID_LEN;
	if (!id_is_valid(out.id) || (*rest && *rest != '/')) {
		return false;
	}
	out.bare = !*rest;
	out.rest = out.bare ? rest : rest + 1;
	*ret_path = out;
	return true;
}

uint64_t viewer_number_read(const char *text, uint64_t most)
{
	uint64_t n = 0;
	if (*text == '0' || strspn(text, "0123456789") != strlen(text)) {
		return 0;
	}
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');
		if (n > (most - digit) / 10) {
			return 0;
		}
		n = 10 * n + digit;
	}
	return n;
}

static bool is_secret(const char *text, size_t len)
{
	static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789-_";
	return len == SECRET_LEN && strspn(text, base64url) >= len;
}

bool viewer_cookie_read(const char *header, const char *name, char ret_secret[SECRET_LEN + 1])
{
	size_t name_len = strlen(name);
	for (const char *at = header ? header : ""; *at;) {
		at += strspn(at, "; \t");
		size_t len = strcspn(at, ";");
		if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
			const char *value = at + name_len + 1;
			size_t value_len = strcspn(value, "; \t");
			if (!is_secret(value, value_len)) {
				return false;
			}
			memcpy(ret_secret, value, value_len);
			ret_secret[value_len] = '\0';
			return true;
		}
		at += len;
	}
	return false;
}

const struct field viewer_control_fields[] = {
	FIELD_STR(struct viewer_control, viewer, "id of this page, from its events",
		.required = true, .min = ID_LEN, .max = ID_LEN),
	FIELD_STR(struct viewer_control, take, "take control, with this user name", .max = 1000),
	FIELD_FLAG(struct viewer_control, give_back, "return control to the agent"),
	FIELD_STR(struct viewer_control, message, "message to the agent", .max = 8000),
	{ 0 },
};

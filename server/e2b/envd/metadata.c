#include "server/e2b/envd/metadata.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "server/e2b/envd/entry.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define PREFIX "X-Metadata-"

static bool is_printable(const char *text)
{
	while (*text >= ' ' && *text <= '~') {
		text++;
	}
	return !*text;
}

bool envd_metadata_add(
	json_t *xattrs, const char *key, const char *value, size_t *used, struct err *err)
{
	auto_buf struct buf name = { 0 };
	size_t len = strlen(key);
	*used += len + strlen(value);
	if (!len || len > ENVD_METADATA_KEY_MAX || *used > ENVD_METADATA_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"metadata must have keys of 1 to %d bytes, and %d bytes in all",
			ENVD_METADATA_KEY_MAX, ENVD_METADATA_MAX);
	}
	if (!is_printable(key) || !is_printable(value)) {
		return err_set(err, ERR_ARGUMENT, "metadata must be printable ASCII");
	}
	buf_printf(&name, "%s%s", ENVD_XATTR, key);
	for (size_t i = strlen(ENVD_XATTR); i < name.len; i++) {
		name.data[i] = (uint8_t)tolower(name.data[i]);
	}
	json_object_set_new(xattrs, buf_text(&name), must(json_string(value)));
	return true;
}

struct reading {
	json_t *xattrs;
	size_t used;
	bool ok;
	struct err *err;
};

static void on_header(const char *name, const char *value, void *data)
{
	struct reading *reading = data;
	if (reading->ok && strncasecmp(name, PREFIX, strlen(PREFIX)) == 0) {
		reading->ok = envd_metadata_add(reading->xattrs, name + strlen(PREFIX), value,
			&reading->used, reading->err);
	}
}

bool envd_metadata_read(const struct http_exchange *x, json_t **ret_xattrs, struct err *err)
{
	struct reading reading = { .xattrs = must(json_object()), .ok = true, .err = err };
	http_each_header(x, on_header, &reading);
	if (reading.ok) {
		*ret_xattrs = reading.xattrs;
	} else {
		json_decref(reading.xattrs);
	}
	return reading.ok;
}

/* ---- codings ---- */

/* Of "; q=0.000": whether the coding is refused. */
static bool is_refused(const char *parameters, size_t len)
{
	const char *q = memchr(parameters, '=', len);
	return q && strspn(q + 1, "0.") >= (size_t)(parameters + len - q - 1);
}

bool envd_accepts_identity(const char *accept_encoding)
{
	bool all_refused = false;
	for (const char *at = accept_encoding ? accept_encoding : ""; *at;) {
		at += strspn(at, ", \t");
		size_t len = strcspn(at, ","), name = strcspn(at, ",; \t");
		while (len && isspace((unsigned char)at[len - 1])) {
			len--;
		}
		bool refused = name < len && is_refused(at + name, len - name);
		if (name == 8 && strncasecmp(at, "identity", 8) == 0) {
			return !refused;
		}
		all_refused |= name == 1 && *at == '*' && refused;
		at += strcspn(at, ",");
	}
	return !all_refused;
}

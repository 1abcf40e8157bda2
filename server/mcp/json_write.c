/*
 * Writes JSON.  jansson decodes every character of every string, which takes 2 ms for the base64
 * text of a screenshot, a third of the whole budget.  Here, a string without escapes is copied, and
 * other values are left to jansson.
 */
#include "server/mcp/json_write.h"

#include "base/cleanup.h"
#include "base/field.h"

#include <string.h>

#define BLOCK 64 /* a fixed count lets the compiler use vector instructions */

static unsigned needs_escape(unsigned char c)
{
	return (c < 0x20) | (c == '"') | (c == '\\') | (c >= 0x7f);
}

static bool is_plain(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	for (; len >= BLOCK; at += BLOCK, len -= BLOCK) {
		unsigned char bad = 0;
		for (int i = 0; i < BLOCK; i++) {
			bad |= needs_escape(at[i]);
		}
		if (bad) {
			return false;
		}
	}
	for (; len > 0; at++, len--) {
		if (needs_escape(*at)) {
			return false;
		}
	}
	return true;
}

static int append(const char *bytes, size_t len, void *data)
{
	buf_append(data, bytes, len);
	return 0;
}

static void write_by_jansson(struct buf *out, const json_t *value)
{
	/* Fails only for text that is not UTF-8, which json_stringn_nocheck() permits; the output
	 * stays valid. */
	size_t before = out->len;
	size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | field_real_flags(value);
	if (json_dump_callback(value, append, out, flags)) {
		out->len = before;
		buf_append(out, "null", 4);
	}
}

static void write_quoted(struct buf *out, const char *text, size_t len)
{
	buf_reserve(out, len + 2);
	buf_append(out, "\"", 1);
	buf_append(out, text, len);
	buf_append(out, "\"", 1);
}

static void write_key(struct buf *out, const char *key)
{
	size_t len = strlen(key);
	if (is_plain(key, len)) {
		write_quoted(out, key, len);
	} else {
		json_auto_t *text = must(json_string(key));
		write_by_jansson(out, text);
	}
}

static void write_object(struct buf *out, json_t *object)
{
	const char *key, *separator = "{";
	json_t *member;
	json_object_foreach(object, key, member)
	{
		buf_append(out, separator, 1);
		write_key(out, key);
		buf_append(out, ":", 1);
		json_write(out, member);
		separator = ",";
	}
	buf_append(out, *separator == '{' ? "{}" : "}", *separator == '{' ? 2 : 1);
}

static void write_array(struct buf *out, const json_t *array)
{
	buf_append(out, "[", 1);
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0) {
			buf_append(out, ",", 1);
		}
		json_write(out, json_array_get(array, i));
	}
	buf_append(out, "]", 1);
}

void json_write(struct buf *out, const json_t *value)
{
	if (json_is_object(value)) {
		write_object(out, (json_t *)value);
	} else if (json_is_array(value)) {
		write_array(out, value);
	} else if (json_is_string(value) &&
		   is_plain(json_string_value(value), json_string_length(value))) {
		write_quoted(out, json_string_value(value), json_string_length(value));
	} else {
		write_by_jansson(out, value);
	}
}

json_t *json_text(const char *text)
{
	json_t *plain = json_string(text);
	if (plain) {
		return plain;
	}
	auto_free char *copy = must(strdup(text));
	for (char *c = copy; *c; c++) {
		*c = (unsigned char)*c >= 0x80 ? '?' : *c;
	}
	return must(json_string(copy));
}

#include "vm/agent/files/row.h"

#include "base/cleanup.h"

#include <string.h>

static void add_text(struct buf *out, const char *text)
{
	buf_append(out, "\"", 1);
	while (*text) {
		size_t plain = 0;
		while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
			text[plain] != '\\') {
			plain++;
		}
		buf_append(out, text, plain);
		text += plain;
		if (*text == '"' || *text == '\\') {
			char escaped[2] = { '\\', *text };
			buf_append(out, escaped, 2);
		} else if (*text) {
			buf_printf(out, "\\u%04x", (unsigned char)*text);
		}
		text += *text != '\0';
	}
	buf_append(out, "\"", 1);
}

static void add_int(struct buf *out, int64_t n)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (n < 0) {
		digits[--at] = '-';
	}
	buf_append(out, digits + at, sizeof(digits) - at);
}

static void add_json(struct buf *out, const json_t *json)
{
	auto_free char *text = must(json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY));
	buf_append(out, text, strlen(text));
}

static bool is_left_out(const struct field *f, const void *slot)
{
	switch (f->type) {
	case FIELD_STRING:
		return !*(const char *const *)slot;
	case FIELD_INT:
		return (double)*(const int64_t *)slot == f->default_value;
	case FIELD_ENUM:
		return *(const int *)slot < 0;
	case FIELD_ANY:
		return !*(const json_t *const *)slot;
	default:
		return true; /* not in a row */
	}
}

void file_row_add(struct buf *out, const struct field *fields, const void *row)
{
	char before = '{';
	for (const struct field *f = fields; f->name; f++) {
		const void *slot = (const char *)row + f->offset;
		if (is_left_out(f, slot)) {
			continue;
		}
		buf_append(out, &before, 1);
		before = ',';
		add_text(out, f->name);
		buf_append(out, ":", 1);
		if (f->type == FIELD_STRING) {
			add_text(out, *(const char *const *)slot);
		} else if (f->type == FIELD_INT) {
			add_int(out, *(const int64_t *)slot);
		} else if (f->type == FIELD_ENUM) {
			add_text(out, f->choices[*(const int *)slot]);
		} else {
			add_json(out, *(const json_t *const *)slot);
		}
	}
	buf_append(out, "}\n", 2);
}

/*
 * Tables of typed rows: JSON to a struct, a struct to JSON, and the table as JSON Schema.  Models
 * read the errors and correct themselves if they contain the member, the expected and the actual
 * value.
 */
#include "base/field.h"

#include "base/buf.h"
#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 60             /* bytes of a refused value */
#define EXACT 9007199254740992.0 /* integers up to 2^53 are exact in a double */
#define MEMBERS_MAX 64

const struct field *field_find(const struct field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0) {
			return fields;
		}
	}
	return NULL;
}

struct field field_row(const struct field *f)
{
	if (!f->like) {
		return *f;
	}
	struct field row = field_row(f->like);
	row.name = f->name;
	row.offset += f->offset;
	row.required = f->required;
	row.header = f->header;
	row.help = f->help ? f->help : row.help;
	row.preset = f->open ? -1 : row.preset;
	row.preset_text = f->open ? NULL : row.preset_text;
	return row;
}

/* Copies only if necessary. */
static const struct field *whole(const struct field *f, struct field *copy)
{
	if (f->like) {
		*copy = field_row(f);
		return copy;
	}
	return f;
}

/* ---- messages ---- */

struct shown {
	char text[SHOWN_MAX + 4];
	size_t len;
};

/* Returns -1, which ends the dump, once the text is full, so a huge value costs nothing. */
static int show_more(const char *bytes, size_t len, void *data)
{
	struct shown *shown = data;
	size_t room = SHOWN_MAX - shown->len, n = len < room ? len : room;
	memcpy(shown->text + shown->len, bytes, n);
	shown->len += n;
	return n < len ? -1 : 0;
}

size_t field_real_flags(const json_t *v)
{
	char text[32];
	double n = json_real_value(v);
	snprintf(text, sizeof(text), "%.15g", n);
	return strtod(text, NULL) == n ? JSON_REAL_PRECISION(15) : JSON_REAL_PRECISION(17);
}

static struct shown show(const json_t *v)
{
	struct shown shown = { .len = 0 };
	size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | field_real_flags(v);
	if (json_dump_callback(v, show_more, &shown, flags) < 0) {
		while (shown.len && (shown.text[shown.len - 1] & 0xc0) == 0x80) {
			shown.len--;
		}
		if (shown.len && (shown.text[shown.len - 1] & 0x80)) {
			shown.len--; /* a multi-byte character that may be cut */
		}
		memcpy(shown.text + shown.len, "...", 4);
	}
	return shown;
}

static bool is_bounded(const struct field *f)
{
	return f->max > f->min;
}

static void put_range(struct buf *to, const struct field *f)
{
	if (is_bounded(f)) {
		buf_printf(to, " from %.15g to %.15g", f->min, f->max);
	}
}

static void put_ints(struct buf *to, const struct field *f)
{
	static const int examples[] = { 100, 200, 500, 400 };
	buf_printf(to, "a list of %.0f integers, such as [", f->min);
	for (int i = 0; i < (int)f->min && i < FIELD_INTS_MAX; i++) {
		buf_printf(to, "%s%d", i ? ", " : "", examples[i]);
	}
	buf_printf(to, "]");
}

static void put_choices(struct buf *to, const struct field *f)
{
	buf_printf(to, "one of");
	for (int i = 0; f->choices[i]; i++) {
		buf_printf(to, "%s '%s'", i ? "," : "", f->choices[i]);
	}
}

static void put_string(struct buf *to, const struct field *f)
{
	if (f->max > 0 && f->min > 0) {
		buf_printf(to, "a string of %.0f to %.0f bytes", f->min, f->max);
	} else if (f->max > 0) {
		buf_printf(to, "a string of at most %.0f bytes", f->max);
	} else if (f->min > 0) {
		buf_printf(to, "a string that is not empty");
	} else {
		buf_printf(to, "a string");
	}
}

static void put_map(struct buf *to, const struct field *f)
{
	buf_printf(to,
		"an object of at most %.0f strings, such as {\"task\": \"invoices\"}, names of 1 "
		"to %d bytes, values of at most %d",
		f->max, FIELD_MAP_NAME_MAX, FIELD_MAP_VALUE_MAX);
}

static void put_expected(struct buf *to, const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		put_string(to, f);
		break;
	case FIELD_INT:
		buf_printf(to, "an integer");
		put_range(to, f);
		break;
	case FIELD_REAL:
		buf_printf(to, "a number");
		put_range(to, f);
		break;
	case FIELD_BOOL:
		buf_printf(to, "true or false");
		break;
	case FIELD_ENUM:
		put_choices(to, f);
		break;
	case FIELD_INTS:
		put_ints(to, f);
		break;
	case FIELD_MAP:
		put_map(to, f);
		break;
	case FIELD_ANY:
		buf_printf(to, "there");
		break;
	}
}

static bool refuse(const struct field *f, const json_t *v, struct err *err)
{
	auto_buf struct buf expected = { 0 };
	put_expected(&expected, f);
	if (f->type == FIELD_STRING && json_is_string(v)) {
		if (strlen(json_string_value(v)) != json_string_length(v)) {
			return err_set(err, ERR_ARGUMENT, "'%s' must not contain a NUL character",
				f->name);
		}
		return err_set(err, ERR_ARGUMENT, "'%s' must be %s; got %zu bytes", f->name,
			buf_text(&expected), json_string_length(v));
	}
	return err_set(err, ERR_ARGUMENT, "'%s' must be %.380s; got %s", f->name,
		buf_text(&expected), show(v).text);
}

static bool refuse_missing(const struct field *f, struct err *err)
{
	auto_buf struct buf expected = { 0 };
	put_expected(&expected, f);
	return err_set(err, ERR_ARGUMENT, "'%s' is missing; it must be %.400s", f->name,
		buf_text(&expected));
}

static bool refuse_unknown(const struct field *fields, const char *name, struct err *err)
{
	const char *names[MEMBERS_MAX + 1] = { NULL };
	for (size_t i = 0; i < MEMBERS_MAX && fields[i].name; i++) {
		names[i] = fields[i].name;
	}
	const char *near = nearest_name(name, names);
	if (near) {
		return err_set(err, ERR_ARGUMENT, "unknown argument '%.60s'; did you mean '%s'?",
			name, near);
	}
	auto_buf struct buf known = { 0 };
	for (size_t i = 0; names[i]; i++) {
		buf_printf(&known, "%s '%s'", i ? "," : "", names[i]);
	}
	return err_set(err, ERR_ARGUMENT, "unknown argument '%.60s'; %s%.360s", name,
		names[0] ? "the arguments are" : "there are no arguments", buf_text(&known));
}

/* ---- JSON to C ---- */

static bool to_int(const json_t *v, int64_t *ret_n)
{
	double d = json_real_value(v);
	if (json_is_integer(v)) {
		*ret_n = json_integer_value(v);
		return true;
	}
	if (!json_is_real(v) || !(d >= -EXACT && d <= EXACT)) {
		return false;
	}
	*ret_n = (int64_t)d;
	return (double)*ret_n == d;
}

static bool in_range(const struct field *f, double n)
{
	return !is_bounded(f) || (n >= f->min && n <= f->max);
}

static bool decode_string(const struct field *f, const json_t *v, const char **slot)
{
	size_t len = json_string_length(v);
	const char *text = json_string_value(v);
	if (!text || strlen(text) != len || (double)len < f->min ||
		(f->max > 0 && (double)len > f->max)) {
		return false;
	}
	*slot = text;
	return true;
}

static bool decode_enum(const struct field *f, const json_t *v, int *slot)
{
	const char *word = json_string_value(v);
	for (int i = 0; word && f->choices[i]; i++) {
		if (strcmp(f->choices[i], word) == 0) {
			*slot = i;
			return true;
		}
	}
	return false;
}

static bool decode_ints(const struct field *f, const json_t *v, struct field_ints *slot)
{
	struct field_ints list = { .count = (int)f->min };
	if (!json_is_array(v) || json_array_size(v) != (size_t)list.count) {
		return false;
	}
	for (int i = 0; i < list.count; i++) {
		if (!to_int(json_array_get(v, (size_t)i), &list.at[i])) {
			return false;
		}
	}
	*slot = list;
	return true;
}

static bool decode_map(const struct field *f, const json_t *v, const json_t **slot)
{
	const char *name;
	json_t *value;
	if (!json_is_object(v) || (double)json_object_size(v) > f->max) {
		return false;
	}
	json_object_foreach((json_t *)v, name, value)
	{
		const char *text = json_string_value(value);
		if (!*name || strlen(name) > FIELD_MAP_NAME_MAX || !text ||
			json_string_length(value) > FIELD_MAP_VALUE_MAX ||
			strlen(text) != json_string_length(value)) {
			return false;
		}
	}
	*slot = v;
	return true;
}

static bool decode_one(const struct field *f, const json_t *v, void *slot)
{
	int64_t n;
	switch (f->type) {
	case FIELD_STRING:
		return decode_string(f, v, slot);
	case FIELD_INT:
		return to_int(v, &n) && in_range(f, (double)n) && (*(int64_t *)slot = n, true);
	case FIELD_REAL:
		*(double *)slot = json_number_value(v);
		return json_is_number(v) && in_range(f, json_number_value(v));
	case FIELD_BOOL:
		*(bool *)slot = json_is_true(v);
		return json_is_boolean(v);
	case FIELD_ENUM:
		return decode_enum(f, v, slot);
	case FIELD_INTS:
		return decode_ints(f, v, slot);
	case FIELD_MAP:
		return decode_map(f, v, slot);
	case FIELD_ANY:
		*(const json_t **)slot = v;
		return true;
	}
	return false;
}

static void set_preset(const struct field *f, void *slot)
{
	switch (f->type) {
	case FIELD_STRING:
		*(const char **)slot = f->preset_text;
		break;
	case FIELD_INT:
		*(int64_t *)slot = (int64_t)f->preset;
		break;
	case FIELD_REAL:
		*(double *)slot = f->preset;
		break;
	case FIELD_BOOL:
		*(bool *)slot = f->preset != 0;
		break;
	case FIELD_ENUM:
		*(int *)slot = (int)f->preset;
		break;
	case FIELD_INTS:
		*(struct field_ints *)slot = (struct field_ints){ 0 };
		break;
	case FIELD_MAP:
	case FIELD_ANY:
		*(const json_t **)slot = NULL;
		break;
	}
}

static bool decode_row(const struct field *row, const json_t *in, void *out, struct err *err)
{
	struct field copy;
	const struct field *f = whole(row, &copy);
	void *slot = (char *)out + f->offset;
	const json_t *v = json_object_get(in, f->name);
	if (v && !json_is_null(v)) {
		return decode_one(f, v, slot) || refuse(f, v, err);
	}
	if (f->required) {
		return refuse_missing(f, err);
	}
	set_preset(f, slot);
	return true;
}

bool field_decode(const struct field *fields, const json_t *in, void *out, struct err *err)
{
	const char *key;
	json_t *v;
	if (in && !json_is_object(in)) {
		return err_set(err, ERR_ARGUMENT, "the arguments must be an object; got %s",
			show(in).text);
	}
	json_object_foreach((json_t *)in, key, v)
	{
		if (!field_find(fields, key)) {
			return refuse_unknown(fields, key, err);
		}
	}
	for (const struct field *f = fields; f->name; f++) {
		if (!decode_row(f, in, out, err)) {
			return false;
		}
	}
	return true;
}

/* ---- C to JSON ---- */

static json_t *encode_ints(const struct field_ints *list)
{
	json_t *array = json_array();
	for (int i = 0; i < list->count; i++) {
		json_array_append_new(array, json_integer(list->at[i]));
	}
	return array;
}

static json_t *encode_one(const struct field *f, const void *slot)
{
	const char *text;
	switch (f->type) {
	case FIELD_STRING:
		text = *(const char *const *)slot;
		return text ? json_string(text) : NULL;
	case FIELD_INT:
		return json_integer(*(const int64_t *)slot);
	case FIELD_REAL:
		return json_real(*(const double *)slot);
	case FIELD_BOOL:
		return json_boolean(*(const bool *)slot);
	case FIELD_ENUM:
		return *(const int *)slot < 0 ? NULL : json_string(f->choices[*(const int *)slot]);
	case FIELD_INTS:
		return ((const struct field_ints *)slot)->count ? encode_ints(slot) : NULL;
	case FIELD_MAP:
	case FIELD_ANY:
		return json_incref((json_t *)*(const json_t *const *)slot);
	}
	return NULL;
}

/* 0 outside the range means "not set". */
static bool is_left_out(const struct field *f, double n)
{
	return n == f->preset || (n == 0 && !in_range(f, 0));
}

static bool is_preset(const struct field *f, const void *slot)
{
	const char *text;
	switch (f->type) {
	case FIELD_STRING:
		text = *(const char *const *)slot;
		return text && f->preset_text && strcmp(text, f->preset_text) == 0;
	case FIELD_INT:
		return is_left_out(f, (double)*(const int64_t *)slot);
	case FIELD_REAL:
		return is_left_out(f, *(const double *)slot);
	case FIELD_BOOL:
		return *(const bool *)slot == (f->preset != 0);
	case FIELD_ENUM:
		return *(const int *)slot == (int)f->preset;
	case FIELD_INTS:
	case FIELD_MAP:
	case FIELD_ANY:
		return false;
	}
	return false;
}

json_t *field_encode(const struct field *fields, const void *in)
{
	json_t *object = json_object();
	struct field copy;
	for (; fields->name; fields++) {
		const struct field *f = whole(fields, &copy);
		const void *slot = (const char *)in + f->offset;
		if (f->required || !is_preset(f, slot)) {
			json_object_set_new(object, f->name, encode_one(f, slot));
		}
	}
	return object;
}

/* ---- the table as JSON Schema ---- */

static json_t *number(const struct field *f, double n)
{
	return f->type == FIELD_REAL ? json_real(n) : json_integer((json_int_t)n);
}

/* The default; NULL without one. */
static json_t *preset_json(const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		return f->preset_text ? json_string(f->preset_text) : NULL;
	case FIELD_INT:
	case FIELD_REAL:
		/* A default outside the range, or a 0 that was not given, means "absent". */
		return (is_bounded(f) || f->preset != 0) && in_range(f, f->preset)
			       ? number(f, f->preset)
			       : NULL;
	case FIELD_BOOL:
		return json_boolean(f->preset != 0);
	case FIELD_ENUM:
		return f->preset < 0 ? NULL : json_string(f->choices[(int)f->preset]);
	case FIELD_INTS:
	case FIELD_MAP:
	case FIELD_ANY:
		return NULL;
	}
	return NULL;
}

static void put_bounds(json_t *p, const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		/* The schema counts characters, this table bytes, and a character has at least one
		 * byte. */
		if (f->min > 0) {
			json_object_set_new(p, "minLength", json_integer(1));
		}
		if (f->max > 0) {
			json_object_set_new(p, "maxLength", json_integer((json_int_t)f->max));
		}
		break;
	case FIELD_INT:
	case FIELD_REAL:
		if (is_bounded(f)) {
			json_object_set_new(p, "minimum", number(f, f->min));
			json_object_set_new(p, "maximum", number(f, f->max));
		}
		break;
	case FIELD_INTS:
		json_object_set_new(p, "items", json_pack("{s:s}", "type", "integer"));
		json_object_set_new(p, "minItems", json_integer((json_int_t)f->min));
		json_object_set_new(p, "maxItems", json_integer((json_int_t)f->max));
		break;
	case FIELD_MAP:
		json_object_set_new(
			p, "additionalProperties", json_pack("{s:s}", "type", "string"));
		break;
	case FIELD_BOOL:
	case FIELD_ENUM:
	case FIELD_ANY:
		break;
	}
}

static json_t *choices_json(const struct field *f)
{
	json_t *list = json_array();
	for (int i = 0; f->choices[i]; i++) {
		json_array_append_new(list, json_string(f->choices[i]));
	}
	return list;
}

static json_t *property(const struct field *f)
{
	static const char *const words[] = {
		[FIELD_STRING] = "string",
		[FIELD_INT] = "integer",
		[FIELD_REAL] = "number",
		[FIELD_BOOL] = "boolean",
		[FIELD_ENUM] = "string",
		[FIELD_INTS] = "array",
		[FIELD_MAP] = "object",
		[FIELD_ANY] = NULL,
	};
	json_t *p = json_pack("{s:s*, s:s*}", "type", words[f->type], "description", f->help);
	if (f->type == FIELD_ENUM) {
		json_object_set_new(p, "enum", choices_json(f));
	}
	if (f->header) {
		json_object_set_new(p, "x-mcp-header", json_string(f->header));
	}
	put_bounds(p, f);
	if (!f->required) {
		json_object_set_new(p, "default", preset_json(f)); /* ignored when NULL */
	}
	return p;
}

json_t *field_schema(const struct field *fields)
{
	json_t *props = json_object(), *required = json_array();
	for (const struct field *f = fields; f->name; f++) {
		struct field copy;
		json_object_set_new(props, f->name, property(whole(f, &copy)));
		if (f->required) {
			json_array_append_new(required, json_string(f->name));
		}
	}
	json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", props);
	if (json_array_size(required)) {
		json_object_set(schema, "required", required);
	}
	json_decref(required);
	json_object_set_new(schema, "additionalProperties", json_false());
	return schema;
}

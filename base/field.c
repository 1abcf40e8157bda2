/* Tables of typed rows: JSON to a struct, and a struct to JSON. */
#include "base/field_impl.h"

#include <stdio.h>
#include <string.h>

#define EXACT 9007199254740992.0 /* integers up to 2^53 are exact in a double */

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
	row.default_value = f->open ? -1 : row.default_value;
	row.default_text = f->open ? NULL : row.default_text;
	return row;
}

size_t field_real_flags(const json_t *v)
{
	char text[32];
	double n = json_real_value(v);
	snprintf(text, sizeof(text), "%.15g", n);
	return strtod(text, NULL) == n ? JSON_REAL_PRECISION(15) : JSON_REAL_PRECISION(17);
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

size_t field_longest(const struct field *f)
{
	return f->longest > 0 ? (size_t)f->longest : FIELD_MAP_VALUE_MAX;
}

static bool is_short_text(const struct field *f, const json_t *v)
{
	const char *text = json_string_value(v);
	return text && json_string_length(v) <= field_longest(f) &&
	       strlen(text) == json_string_length(v);
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
		if (!*name || strlen(name) > FIELD_MAP_NAME_MAX || !is_short_text(f, value)) {
			return false;
		}
	}
	*slot = v;
	return true;
}

static bool is_object(const struct field *f, const json_t *v)
{
	(void)f;
	return json_is_object(v);
}

static bool decode_list(const struct field *f, const json_t *v,
	bool (*is_item)(const struct field *, const json_t *), const json_t **slot)
{
	if (!json_is_array(v) || !field_in_range(f, (double)json_array_size(v))) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (!is_item(f, json_array_get(v, i))) {
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
		return to_int(v, &n) && field_in_range(f, (double)n) &&
		       (*(int64_t *)slot = n, true);
	case FIELD_REAL:
		*(double *)slot = json_number_value(v);
		return json_is_number(v) && field_in_range(f, json_number_value(v));
	case FIELD_BOOL:
		*(bool *)slot = json_is_true(v);
		return json_is_boolean(v);
	case FIELD_ENUM:
		return decode_enum(f, v, slot);
	case FIELD_INTS:
		return decode_ints(f, v, slot);
	case FIELD_MAP:
		return decode_map(f, v, slot);
	case FIELD_OBJECT:
		*(const json_t **)slot = v;
		return json_is_object(v);
	case FIELD_OBJECTS:
		return decode_list(f, v, is_object, slot);
	case FIELD_TEXTS:
		return decode_list(f, v, is_short_text, slot);
	case FIELD_ANY:
		*(const json_t **)slot = v;
		return true;
	}
	return false;
}

static void set_default(const struct field *f, void *slot)
{
	switch (f->type) {
	case FIELD_STRING:
		*(const char **)slot = f->default_text;
		break;
	case FIELD_INT:
		*(int64_t *)slot = (int64_t)f->default_value;
		break;
	case FIELD_REAL:
		*(double *)slot = f->default_value;
		break;
	case FIELD_BOOL:
		*(bool *)slot = f->default_value != 0;
		break;
	case FIELD_ENUM:
		*(int *)slot = (int)f->default_value;
		break;
	case FIELD_INTS:
		*(struct field_ints *)slot = (struct field_ints){ 0 };
		break;
	default: /* borrowed JSON */
		*(const json_t **)slot = NULL;
		break;
	}
}

static bool decode_row(const struct field *row, const json_t *in, void *out, struct err *err)
{
	struct field copy;
	const struct field *f = field_whole(row, &copy);
	void *slot = (char *)out + f->offset;
	const json_t *v = json_object_get(in, f->name);
	if (v && !json_is_null(v)) {
		return decode_one(f, v, slot) || field_refuse(f, v, err);
	}
	if (f->required) {
		return field_refuse_missing(f, err);
	}
	set_default(f, slot);
	return true;
}

bool field_decode(const struct field *fields, const json_t *in, void *out, struct err *err)
{
	const char *key;
	json_t *v;
	if (in && !json_is_object(in)) {
		return field_refuse_arguments(in, err);
	}
	json_object_foreach((json_t *)in, key, v)
	{
		if (!field_find(fields, key)) {
			return field_refuse_unknown(fields, key, err);
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
	default: /* borrowed JSON */
		return json_incref((json_t *)*(const json_t *const *)slot);
	}
}

/* 0 outside the range means "not set". */
static bool is_left_out(const struct field *f, double n)
{
	return n == f->default_value || (n == 0 && !field_in_range(f, 0));
}

static bool is_default_value(const struct field *f, const void *slot)
{
	const char *text;
	switch (f->type) {
	case FIELD_STRING:
		text = *(const char *const *)slot;
		return text && f->default_text && strcmp(text, f->default_text) == 0;
	case FIELD_INT:
		return is_left_out(f, (double)*(const int64_t *)slot);
	case FIELD_REAL:
		return is_left_out(f, *(const double *)slot);
	case FIELD_BOOL:
		return *(const bool *)slot == (f->default_value != 0);
	case FIELD_ENUM:
		return *(const int *)slot == (int)f->default_value;
	default: /* borrowed JSON */
		return false;
	}
}

json_t *field_encode(const struct field *fields, const void *in)
{
	json_t *object = json_object();
	struct field copy;
	for (; fields->name; fields++) {
		const struct field *f = field_whole(fields, &copy);
		const void *slot = (const char *)in + f->offset;
		if (f->required || !is_default_value(f, slot)) {
			json_object_set_new(object, f->name, encode_one(f, slot));
		}
	}
	return object;
}

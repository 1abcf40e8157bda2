/* Tables as JSON Schema. */
#include "base/field_impl.h"

static json_t *number(const struct field *f, double n)
{
	bool whole = n >= -1e15 && n <= 1e15 && (double)(json_int_t)n == n;
	return f->type == FIELD_REAL && !whole ? json_real(n) : json_integer((json_int_t)n);
}

/* The default; NULL without one. */
static json_t *default_json(const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		return f->default_text ? json_string(f->default_text) : NULL;
	case FIELD_INT:
	case FIELD_REAL:
		/* A default outside the range, or a 0 that was not given, means "absent". */
		return (field_is_bounded(f) || f->default_value != 0) &&
				       field_in_range(f, f->default_value)
			       ? number(f, f->default_value)
			       : NULL;
	case FIELD_BOOL:
		return f->default_value != 0 ? json_true() : NULL; /* false goes without saying */
	case FIELD_ENUM:
		return f->default_value < 0 ? NULL : json_string(f->choices[(int)f->default_value]);
	default: /* borrowed JSON */
		return NULL;
	}
}

static json_t *items(const struct field *f)
{
	return f->type == FIELD_OBJECTS
		       ? field_schema(f->items)
		       : json_pack("{s:s}", "type", f->type == FIELD_INTS ? "integer" : "string");
}

/* A maximum that no caller comes near is noise. */
#define LONG_TEXT 1000 /* bytes */
#define FAR_MAX 1e9

static void put_bounds(json_t *p, const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		/* The schema counts characters, this table bytes, and a character has at least one
		 * byte.  Large bounds are omitted to keep the list of tools short. */
		if (f->max > 0 && f->max < LONG_TEXT) {
			json_object_set_new(p, "maxLength", json_integer((json_int_t)f->max));
		}
		break;
	case FIELD_INT:
	case FIELD_REAL:
		if (field_is_bounded(f)) {
			json_object_set_new(p, "minimum", number(f, f->min));
			if (f->max < FAR_MAX) {
				json_object_set_new(p, "maximum", number(f, f->max));
			}
		}
		break;
	case FIELD_INTS:
	case FIELD_OBJECTS:
	case FIELD_TEXTS:
		json_object_set_new(p, "items", items(f));
		json_object_set_new(p, "minItems", json_integer((json_int_t)f->min));
		json_object_set_new(p, "maxItems", json_integer((json_int_t)f->max));
		break;
	case FIELD_MAP:
		json_object_set_new(
			p, "additionalProperties", json_pack("{s:s}", "type", "string"));
		break;
	case FIELD_OBJECT:
		json_object_update_new(p, field_schema(f->items));
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
		[FIELD_OBJECT] = "object",
		[FIELD_OBJECTS] = "array",
		[FIELD_TEXTS] = "array",
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
		json_object_set_new(p, "default", default_json(f)); /* ignored when NULL */
	}
	return p;
}

json_t *field_schema(const struct field *fields)
{
	json_t *props = json_object(), *required = json_array();
	for (const struct field *f = fields; f->name; f++) {
		struct field copy;
		json_object_set_new(props, f->name, property(field_whole(f, &copy)));
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

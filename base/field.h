#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
	FIELD_STRING,
	FIELD_INT,
	FIELD_REAL,
	FIELD_BOOL,
	FIELD_ENUM,
	FIELD_INTS,
	FIELD_MAP,
	FIELD_OBJECT,
	FIELD_OBJECTS,
	FIELD_TEXTS,
	FIELD_ANY,
};

/* A short list of integers: a point [x,y] or a region [x0,y0,x1,y1].  count is 0 if absent. */
#define FIELD_INTS_MAX 4
struct field_ints {
	int count;
	int64_t at[FIELD_INTS_MAX];
};

/* In bytes, per member of a MAP and, by default, element of TEXTS.  Names are not empty. */
#define FIELD_MAP_NAME_MAX 63
#define FIELD_MAP_VALUE_MAX 255

/*
 * One member of a C struct in JSON.  The same row decodes and checks it, generates its JSON Schema
 * and encodes it.  Tool arguments, the configuration and the messages of the link are tables of
 * rows, terminated by a row without a name.
 */
struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	const char *help;
	bool required;
	/* INT, REAL: range.  STRING: length in bytes.  INTS: number of elements, both equal.
	 * OBJECTS, TEXTS: number of elements.  MAP: maximum number of members. */
	double min, max;
	double longest;           /* MAP, TEXTS: maximum bytes of a value; 0: FIELD_MAP_VALUE_MAX */
	double default_value;     /* INT, REAL, BOOL, ENUM: the default */
	const char *default_text; /* STRING: the default; NULL without one */
	const char *const *choices; /* ENUM: NULL-terminated; the value is the index */
	const struct field *items;  /* OBJECT, OBJECTS: describes the members */
	const char *header; /* the HTTP header (after "Mcp-Param-") that repeats it, or NULL */
	/* A row of another table for a struct at `offset` in this one.  Only name, required,
	 * header, help (if set) and open are taken from this row. */
	const struct field *like;
	bool open; /* with like: no default; absent is -1 or NULL */
};

/* Maximum bytes of a value of MAP and TEXTS. */
size_t field_longest(const struct field *f);

/* The row, with the members it takes from another one. */
struct field field_row(const struct field *f);

/* The offset of member m of T.  Does not compile unless m has the type that the row needs. */
#define FIELD_AT(T, m, want) \
	(offsetof(T, m) + 0 * sizeof(char[_Generic(((T *)0)->m, want : 1, default : -1)]))

#define FIELD_STR(T, m, text, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_STRING, \
		.offset = FIELD_AT(T, m, const char *), __VA_ARGS__ \
	}
#define FIELD_NUM(T, m, text, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_INT, .offset = FIELD_AT(T, m, int64_t), \
		__VA_ARGS__ \
	}
#define FIELD_DEC(T, m, text, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_REAL, .offset = FIELD_AT(T, m, double), \
		__VA_ARGS__ \
	}
#define FIELD_FLAG(T, m, text, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_BOOL, .offset = FIELD_AT(T, m, bool), \
		__VA_ARGS__ \
	}
#define FIELD_ONE_OF(T, m, text, list, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_ENUM, .choices = list, \
		.offset = FIELD_AT(T, m, int), __VA_ARGS__ \
	}
#define FIELD_LIST(T, m, text, n, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_INTS, .min = n, .max = n, \
		.offset = FIELD_AT(T, m, struct field_ints), __VA_ARGS__ \
	}
/* An object of at most `most` short strings, borrowed; NULL if absent. */
#define FIELD_STRINGS(T, m, text, most, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_MAP, .max = most, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}
/* An array of at most `most` short strings, borrowed; NULL if absent. */
#define FIELD_TEXT_LIST(T, m, text, most, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_TEXTS, .max = most, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}
/* An object, borrowed, whose members the caller decodes; NULL if absent. */
#define FIELD_ONE_OBJECT(T, m, text, table, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_OBJECT, .items = table, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}
/* An array of objects, borrowed, whose members the caller decodes; NULL if absent. */
#define FIELD_LIST_OF(T, m, text, table, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_OBJECTS, .items = table, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}
/* Any JSON value, borrowed and unchecked, for members with a separate decoder. */
#define FIELD_JSON(T, m, text, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_ANY, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}

/*
 * Fills *out from the object `in` (NULL is {}).  Strings, MAP and ANY values in *out point into
 * `in`, which must outlive it.  Fails with ERR_ARGUMENT and one sentence with the member, the
 * expected and the actual value (cut to 60 bytes).  An unknown member is an error that suggests the
 * nearest name.  A JSON null is absent.  REAL accepts integers.  INT accepts a real without a
 * fraction, because models send 10.0.
 */
bool field_decode(
	const struct field *fields, const json_t *in, void *out, struct err *err) NODISCARD;

/* Returns an object with every member that is neither absent (NULL text, count 0) nor its
 * default. */
json_t *field_encode(const struct field *fields, const void *in);

/* Returns flat JSON Schema 2020-12: {type:"object", properties, required,
 * additionalProperties:false}. */
json_t *field_schema(const struct field *fields);

/* The flags with which jansson writes this number in the fewest digits that read back as the same
 * value: 0.05, not 0.050000000000000003.  Does not look into arrays and objects. */
size_t field_real_flags(const json_t *v);

const struct field *field_find(const struct field *fields, const char *name);

#endif

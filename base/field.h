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
	FIELD_ANY,
};

/* A short list of integers: a point [x,y] or a region [x0,y0,x1,y1].  count is 0 when absent. */
#define FIELD_INTS_MAX 4
struct field_ints {
	int count;
	int64_t at[FIELD_INTS_MAX];
};

/* In bytes, of each member of a MAP: names are not empty. */
#define FIELD_MAP_NAME_MAX 63
#define FIELD_MAP_VALUE_MAX 255

/*
 * One member of a C struct that arrives as JSON.  The same row decodes it, checks it, describes it
 * as JSON Schema and writes it back: tool arguments, the configuration, the link's requests and
 * replies are all tables of these, ended by a row without a name.
 */
struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	const char *help;
	bool required;
	double min, max; /* INT, REAL: range.  STRING: length in bytes.  INTS: how many, both equal.
			    MAP: members at most. */
	double preset;   /* INT, REAL, BOOL, ENUM: the value when absent */
	const char *preset_text;    /* STRING: the value when absent; NULL without one */
	const char *const *choices; /* ENUM: NULL-ended; the value is the index */
	const char *header; /* the HTTP header (behind "Mcp-Param-") that repeats it, or NULL */
	/* A row of another table about a struct that lies at `offset` in this one.  Only name,
	 * required and header are then this row's own; its help, where it has one, and open. */
	const struct field *like;
	bool open; /* with like: no default; absent is -1 or NULL */
};

/* The row itself, with all that it takes from another. */
struct field field_row(const struct field *f);

/* Where member m of T is; does not compile unless it has the type the row needs. */
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
/* An object of at most `most` short strings, borrowed; NULL when absent. */
#define FIELD_STRINGS(T, m, text, most, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_MAP, .max = most, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}
/* Any JSON value, borrowed and unchecked: for members that have a decoder of their own. */
#define FIELD_JSON(T, m, text, ...) \
	{ \
		.name = #m, .help = text, .type = FIELD_ANY, \
		.offset = FIELD_AT(T, m, const json_t *), __VA_ARGS__ \
	}

/*
 * Fills *out from the object `in` (NULL counts as {}).  Strings, MAP and ANY values in *out point
 * into `in`, which must outlive it.  Fails with ERR_ARGUMENT and one sentence that names the
 * member, says what it must be and shows what came (cut to 60 bytes); an unknown member is refused
 * with the nearest known name.  A JSON null counts as absent.  REAL takes integers too.  INT takes
 * a real with no fraction (models send 10.0).
 */
bool field_decode(
	const struct field *fields, const json_t *in, void *out, struct err *err) NODISCARD;

/* The other way: an object with every member that is not absent (NULL text, count 0) nor its
 * preset. */
json_t *field_encode(const struct field *fields, const void *in);

/* Flat JSON Schema 2020-12: {type:"object", properties, required, additionalProperties:false}. */
json_t *field_schema(const struct field *fields);

/* How jansson's dump is told to write this number with as few digits as read back as the same: 0.05,
 * not 0.050000000000000003.  Does not look into lists and objects. */
size_t field_real_flags(const json_t *v);

const struct field *field_find(const struct field *fields, const char *name);

#endif

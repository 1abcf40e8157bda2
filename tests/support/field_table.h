#ifndef TESTS_FIELD_TABLE_H
#define TESTS_FIELD_TABLE_H

/* A table with a row of every type, for the tests and the fuzzer of base/field.h. */

#include "base/field.h"

struct all {
	const char *text, *name;
	int64_t number, free_number;
	double scale;
	bool flag;
	int side;
	struct field_ints at, region;
	const json_t *labels, *words, *place, *points, *any;
};

static const char *const sides[] = { "left", "right", NULL };

static const struct field point_fields[] = {
	FIELD_LIST(struct all, at, NULL, 2, .required = true),
	{ .name = NULL },
};

static const struct field fields[] = {
	FIELD_STR(struct all, text, "A text.", .min = 1, .max = 10),
	FIELD_STR(struct all, name, "A name.", .default_text = "unset"),
	FIELD_NUM(struct all, number, "A number.", .min = 1, .max = 5, .default_value = 2),
	FIELD_NUM(struct all, free_number, "Any number."),
	FIELD_DEC(struct all, scale, "A scale.", .min = 0.5, .max = 1, .default_value = 1),
	FIELD_FLAG(struct all, flag, "A flag."),
	FIELD_ONE_OF(struct all, side, "A side.", sides, .default_value = 1),
	FIELD_LIST(struct all, at, "A point.", 2, .required = true),
	FIELD_LIST(struct all, region, "A region.", 4),
	FIELD_STRINGS(struct all, labels, "Labels.", 2),
	FIELD_TEXT_LIST(struct all, words, "Words.", 3, .min = 1),
	FIELD_ONE_OBJECT(struct all, place, "A place.", point_fields),
	FIELD_LIST_OF(struct all, points, "Points.", point_fields, .min = 1, .max = 2),
	FIELD_JSON(struct all, any, "Anything."),
	{ .name = NULL },
};

#endif

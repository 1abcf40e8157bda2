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
	const json_t *labels, *any;
};

static const char *const sides[] = { "left", "right", NULL };

static const struct field fields[] = {
	FIELD_STR(struct all, text, "A text.", .min = 1, .max = 10),
	FIELD_STR(struct all, name, "A name.", .preset_text = "nobody"),
	FIELD_NUM(struct all, number, "A number.", .min = 1, .max = 5, .preset = 2),
	FIELD_NUM(struct all, free_number, "Any number."),
	FIELD_DEC(struct all, scale, "A scale.", .min = 0.5, .max = 1, .preset = 1),
	FIELD_FLAG(struct all, flag, "A flag."),
	FIELD_ONE_OF(struct all, side, "A side.", sides, .preset = 1),
	FIELD_LIST(struct all, at, "A point.", 2, .required = true),
	FIELD_LIST(struct all, region, "A region.", 4),
	FIELD_STRINGS(struct all, labels, "Labels.", 2),
	FIELD_JSON(struct all, any, "Anything."),
	{ .name = NULL },
};

#endif

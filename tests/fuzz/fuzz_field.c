// USES wire
/*
 * JSON into a table with a row of every type, and into actions.  What is accepted must be written
 * back to something that is accepted and written the same; a refusal must have a sentence in UTF-8.
 */
#include "base/cleanup.h"
#include "vm/wire/action.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct all {
	const char *text, *name;
	int64_t number, any_number;
	double scale;
	bool flag;
	int side;
	struct field_ints at, region;
	const json_t *any;
};

static const char *const sides[] = { "left", "right", NULL };

static const struct field fields[] = {
	FIELD_STR(struct all, text, "A text.", .min = 1, .max = 10),
	FIELD_STR(struct all, name, "A name.", .preset_text = "nobody"),
	FIELD_NUM(struct all, number, "A number.", .min = 1, .max = 5, .preset = 2),
	FIELD_NUM(struct all, any_number, "Any number."),
	FIELD_DEC(struct all, scale, "A scale.", .min = 0.5, .max = 1, .preset = 1),
	FIELD_FLAG(struct all, flag, "A flag."),
	FIELD_ONE_OF(struct all, side, "A side.", sides, .preset = 1),
	FIELD_LIST(struct all, at, "A point.", 2, .required = true),
	FIELD_LIST(struct all, region, "A region.", 4),
	FIELD_JSON(struct all, any, "Anything."),
	{ .name = NULL },
};

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_sentence(const struct err *err)
{
	json_auto_t *text = json_string(err->text); /* NULL when it is not UTF-8 */
	check(err->kind == ERR_ARGUMENT && err->text[0] && text);
}

static void try_fields(const json_t *in)
{
	struct all all;
	struct err err;
	if (!field_decode(fields, in, &all, &err)) {
		check_sentence(&err);
		return;
	}
	json_auto_t *out = field_encode(fields, &all);
	check(field_decode(fields, out, &all, &err));
	json_auto_t *again = field_encode(fields, &all);
	check(json_equal(out, again));
}

static void try_action(const json_t *in)
{
	struct action action;
	struct err err;
	if (!action_decode(in, &action, &err)) {
		check_sentence(&err);
		return;
	}
	json_auto_t *out = action_encode(&action);
	check(action_decode(out, &action, &err));
	json_auto_t *again = action_encode(&action);
	check(json_equal(out, again));
}

static void try_observe(const json_t *in)
{
	struct observe observe;
	struct err err;
	if (!field_decode(observe_fields, in, &observe, &err)) {
		check_sentence(&err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	json_auto_t *in = json_loadb((const char *)bytes, len,
		JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (in) {
		try_fields(in);
		try_action(in);
		try_observe(in);
	}
	return 0;
}

// USES wire
/*
 * JSON into a table with a row of every type, and into actions.  What is accepted must be written
 * back to something that is accepted and written the same; a refusal must have a sentence in UTF-8.
 */
#include "base/cleanup.h"
#include "tests/support/field_table.h"
#include "vm/wire/action.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

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

/*
 * Specifications on disk: the rows of spec.c under the names of struct vm_spec, in its units.  A
 * row is required if its absence would be ambiguous.
 */
#include "vm/spec/spec.h"

#include "base/cleanup.h"
#include "base/id.h"

#include <limits.h>
#include <string.h>

struct stored {
	struct vm_spec spec; /* first: offsets are valid in both */
	struct field_ints screen;
};

/* Only types and largest values: vm_spec_make() checks the bounds. */
static struct field stored_field(const struct vm_spec_row *row)
{
	struct field f = row->field;
	f.name = row->stored;
	f.offset = row->at;
	f.required = f.type != FIELD_STRING && f.type != FIELD_MAP && f.type != FIELD_ANY;
	f.default_text = NULL;
	if (f.type == FIELD_INT) {
		f.min = -1;
		f.max *= row->ms ? row->ms : 1;
	}
	return f;
}

#define STORED_ROWS (VM_SPEC_MEMBERS + 2)
static const struct field *stored_fields(struct field rows[STORED_ROWS])
{
	memset(rows, 0, STORED_ROWS * sizeof(*rows));
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		rows[i] = stored_field(&vm_spec_rows[i]);
	}
	rows[VM_SPEC_SCREEN] = (struct field)FIELD_LIST(
		struct stored, screen, "[width, height]", 2, .required = true);
	rows[VM_SPEC_SCALE].required = false; /* sandboxes that were saved before have none */
	rows[VM_SPEC_MEMBERS] = (struct field){ .name = "from",
		.type = FIELD_STRING,
		.offset = FIELD_AT(struct stored, spec.from, const char *),
		.max = ID_LEN };
	return rows;
}

json_t *vm_spec_encode(const struct vm_spec *spec)
{
	struct field rows[STORED_ROWS];
	struct stored stored = { *spec, size_sides(spec->screen) };
	return field_encode(stored_fields(rows), &stored);
}

static int edge(int64_t pixels)
{
	return pixels < 1 || pixels > INT_MAX ? -1 : (int)pixels;
}

bool vm_spec_decode(const json_t *json, struct vm_spec *ret, struct err *err)
{
	struct field rows[STORED_ROWS];
	struct stored in;
	if (!field_decode(stored_fields(rows), json, &in, err)) {
		return err_while(err, "spec");
	}
	in.spec.screen = (struct size){ edge(in.screen.at[0]), edge(in.screen.at[1]) };
	if (in.spec.from && !id_is_valid(in.spec.from)) {
		return err_set(err, ERR_ARGUMENT, "spec: 'from' is not a snapshot's id");
	}
	return vm_spec_make(&in.spec, &in.spec, ret, err) || err_while(err, "spec");
}

#ifndef BASE_FIELD_IMPL_H
#define BASE_FIELD_IMPL_H

/* What field.c (JSON to C and back), field_text.c (what a value must be) and field_schema.c share. */

#include "base/field.h"

#include "base/buf.h"

/* Copies only if necessary. */
static inline const struct field *field_whole(const struct field *f, struct field *copy)
{
	if (f->like) {
		*copy = field_row(f);
		return copy;
	}
	return f;
}

static inline bool field_is_bounded(const struct field *f)
{
	return f->max > f->min;
}

static inline bool field_in_range(const struct field *f, double n)
{
	return !field_is_bounded(f) || (n >= f->min && n <= f->max);
}

/* Appends what a value must be, for an error: "a string of 1 to 10 bytes". */
void field_put_expected(struct buf *to, const struct field *f);

/* ---- field_refuse.c: errors; all return false ---- */

bool field_refuse(const struct field *f, const json_t *v, struct err *err);
bool field_refuse_missing(const struct field *f, struct err *err);
bool field_refuse_unknown(const struct field *fields, const char *name, struct err *err);
bool field_refuse_arguments(const json_t *v, struct err *err);

#endif

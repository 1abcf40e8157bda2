/* What a value must be, in words for a model. */
#include "base/field_impl.h"

static void put_range(struct buf *to, const struct field *f)
{
	if (field_is_bounded(f)) {
		buf_printf(to, " from %.15g to %.15g", f->min, f->max);
	}
}

static void put_ints(struct buf *to, const struct field *f)
{
	static const int examples[] = { 100, 200, 500, 400 };
	buf_printf(to, "a list of %.0f integers, such as [", f->min);
	for (int i = 0; i < (int)f->min && i < FIELD_INTS_MAX; i++) {
		buf_printf(to, "%s%d", i ? ", " : "", examples[i]);
	}
	buf_printf(to, "]");
}

static void put_choices(struct buf *to, const struct field *f)
{
	buf_printf(to, "one of");
	for (int i = 0; f->choices[i]; i++) {
		buf_printf(to, "%s '%s'", i ? "," : "", f->choices[i]);
	}
}

static void put_string(struct buf *to, const struct field *f)
{
	if (f->max > 0 && f->min > 0) {
		buf_printf(to, "a string of %.0f to %.0f bytes", f->min, f->max);
	} else if (f->max > 0) {
		buf_printf(to, "a string of at most %.0f bytes", f->max);
	} else if (f->min > 0) {
		buf_printf(to, "a string that is not empty");
	} else {
		buf_printf(to, "a string");
	}
}

static void put_map(struct buf *to, const struct field *f)
{
	buf_printf(to,
		"an object of at most %.0f strings, such as {\"task\": \"invoices\"}, names of 1 "
		"to %d bytes, values of at most %zu",
		f->max, FIELD_MAP_NAME_MAX, field_longest(f));
}

void field_put_expected(struct buf *to, const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		put_string(to, f);
		break;
	case FIELD_INT:
		buf_printf(to, "an integer");
		put_range(to, f);
		break;
	case FIELD_REAL:
		buf_printf(to, "a number");
		put_range(to, f);
		break;
	case FIELD_BOOL:
		buf_printf(to, "true or false");
		break;
	case FIELD_ENUM:
		put_choices(to, f);
		break;
	case FIELD_INTS:
		put_ints(to, f);
		break;
	case FIELD_MAP:
		put_map(to, f);
		break;
	case FIELD_OBJECT:
		buf_printf(to, "an object");
		break;
	case FIELD_OBJECTS:
		buf_printf(to, "a list of %.0f to %.0f objects", f->min, f->max);
		break;
	case FIELD_TEXTS:
		buf_printf(to, "a list of %.0f to %.0f strings of at most %zu bytes", f->min,
			f->max, field_longest(f));
		break;
	case FIELD_ANY:
		buf_printf(to, "there");
		break;
	}
}

/*
 * Errors of fields.  Models read them and correct themselves if they contain the member, the
 * expected and the actual value.
 */
#include "base/field_impl.h"

#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 60 /* bytes of a refused value */
#define MEMBERS_MAX 64

struct shown {
	char text[SHOWN_MAX + 4];
	size_t len;
};

/* Returns -1, which ends the dump, once the text is full, so a huge value costs nothing. */
static int show_more(const char *bytes, size_t len, void *data)
{
	struct shown *shown = data;
	size_t room = SHOWN_MAX - shown->len, n = len < room ? len : room;
	memcpy(shown->text + shown->len, bytes, n);
	shown->len += n;
	return n < len ? -1 : 0;
}

static struct shown show(const json_t *v)
{
	struct shown shown = { .len = 0 };
	size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | field_real_flags(v);
	if (json_dump_callback(v, show_more, &shown, flags) < 0) {
		while (shown.len && (shown.text[shown.len - 1] & 0xc0) == 0x80) {
			shown.len--;
		}
		if (shown.len && (shown.text[shown.len - 1] & 0x80)) {
			shown.len--; /* a multi-byte character that may be cut */
		}
		memcpy(shown.text + shown.len, "...", 4);
	}
	return shown;
}

bool field_refuse(const struct field *f, const json_t *v, struct err *err)
{
	auto_buf struct buf expected = { 0 };
	field_put_expected(&expected, f);
	if (f->type == FIELD_STRING && json_is_string(v)) {
		if (strlen(json_string_value(v)) != json_string_length(v)) {
			return err_set(err, ERR_ARGUMENT, "'%s' must not contain a NUL character",
				f->name);
		}
		return err_set(err, ERR_ARGUMENT, "'%s' must be %s; got %zu bytes", f->name,
			buf_text(&expected), json_string_length(v));
	}
	return err_set(err, ERR_ARGUMENT, "'%s' must be %.380s; got %s", f->name,
		buf_text(&expected), show(v).text);
}

bool field_refuse_missing(const struct field *f, struct err *err)
{
	auto_buf struct buf expected = { 0 };
	field_put_expected(&expected, f);
	return err_set(err, ERR_ARGUMENT, "'%s' is missing; it must be %.400s", f->name,
		buf_text(&expected));
}

bool field_refuse_unknown(const struct field *fields, const char *name, struct err *err)
{
	const char *names[MEMBERS_MAX + 1] = { NULL };
	for (size_t i = 0; i < MEMBERS_MAX && fields[i].name; i++) {
		names[i] = fields[i].name;
	}
	const char *near = nearest_name(name, names);
	if (near) {
		return err_set(err, ERR_ARGUMENT, "unknown argument '%.60s'; did you mean '%s'?",
			name, near);
	}
	auto_buf struct buf known = { 0 };
	for (size_t i = 0; names[i]; i++) {
		buf_printf(&known, "%s '%s'", i ? "," : "", names[i]);
	}
	return err_set(err, ERR_ARGUMENT, "unknown argument '%.60s'; %s%.360s", name,
		names[0] ? "the arguments are" : "there are no arguments", buf_text(&known));
}

bool field_refuse_arguments(const json_t *v, struct err *err)
{
	return err_set(err, ERR_ARGUMENT, "the arguments must be an object; got %s", show(v).text);
}

/*
 * Errors as values.  Texts are written to JSON and partly come from guests and clients, so every
 * text set here is made valid UTF-8.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_ARGUMENT] = "argument",
	[ERR_NOT_FOUND] = "not-found",
	[ERR_STATE] = "state",
	[ERR_LIMIT] = "limit",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_TIMEOUT] = "timeout",
	[ERR_CANCELLED] = "cancelled",
	[ERR_GONE] = "gone",
	[ERR_HOST] = "host",
};

#define KINDS (sizeof(kind_names) / sizeof(*kind_names))

/* Length of the valid UTF-8 sequence at s, or 0. */
static size_t sequence_len(const uint8_t *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *s < 0x80   ? 1
		   : *s < 0xc0 ? 0
		   : *s < 0xe0 ? 2
		   : *s < 0xf0 ? 3
		   : *s < 0xf8 ? 4
			       : 0;
	if (n < 2) {
		return n;
	}
	uint32_t code = *s & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
		code = code << 6 | (s[i] & 0x3f);
	}
	bool surrogate = code >= 0xd800 && code <= 0xdfff;
	return code < least[n] || code > 0x10ffff || surrogate ? 0 : n;
}

static void make_utf8(char *text)
{
	for (size_t n; *text; text += n) {
		n = sequence_len((const uint8_t *)text);
		if (n == 0) {
			*text = '?';
			n = 1;
		}
	}
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	char text[sizeof(err->text)]; /* an argument may be err->text */
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_utf8(text);
	*err = (struct err){ .kind = kind };
	memcpy(err->text, text, sizeof(text));
	return false;
}

bool err_errno(struct err *err, const char *fmt, ...)
{
	int sys = errno;
	char what[sizeof(err->text)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, ERR_HOST, "%.400s: %s", what, strerror(sys));
	err->sys = sys;
	return false;
}

bool err_while(struct err *err, const char *fmt, ...)
{
	char what[160];
	int sys = err->sys;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, err->kind, "%s: %s", what, err->text);
	err->sys = sys;
	return false;
}

const char *err_kind_word(enum err_kind kind)
{
	return (size_t)kind < KINDS ? kind_names[kind] : kind_names[ERR_HOST];
}

enum err_kind err_kind_from(const char *word)
{
	for (size_t i = ERR_NONE + 1; word && i < KINDS; i++) {
		if (strcmp(kind_names[i], word) == 0) {
			return (enum err_kind)i;
		}
	}
	return ERR_HOST;
}

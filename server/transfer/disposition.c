/*
 * Browsers and libraries write a part's file name in quotes, with %22 for a quote, %0D and %0A for
 * line ends, and all else as UTF-8; older ones write \" and \\, and some the filename* of RFC 5987.
 */
#include "server/transfer/disposition.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- writing ---- */

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
}

void disposition_write(struct buf *out, const char *name)
{
	bool plain = true;
	buf_printf(out, "inline; filename=\"");
	for (const char *at = name; *at; at++) {
		bool keeps = is_plain((unsigned char)*at);
		bool continues = ((unsigned char)*at & 0xc0) == 0x80;
		plain = plain && keeps;
		if (!continues) {
			buf_append(out, keeps ? at : "_", 1);
		}
	}
	buf_printf(out, "\"");
	if (plain) {
		return;
	}
	buf_printf(out, "; filename*=UTF-8''");
	for (const char *at = name; *at; at++) {
		bool keeps = isalnum((unsigned char)*at) || strchr("-._~", *at);
		buf_printf(out, keeps ? "%c" : "%%%02X", (unsigned char)*at);
	}
}

/* ---- reading ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'         ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10
					    : -1;
}

/* Decodes %HH in place; all: every one, otherwise only those of a quote and of line ends. */
static void unescape(char *text, bool all)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		int high = *from == '%' ? hex(from[1]) : -1;
		int low = high >= 0 ? hex(from[2]) : -1;
		int value = low < 0 ? -1 : high * 16 + low;
		bool decodes = value > 0 && (all || value == '"' || value == '\r' || value == '\n');
		*to = decodes ? (char)value : *from;
		from += decodes ? 3 : 1;
	}
	*to = '\0';
}

/* The text in quotes that begins at *at; NULL: it has no end. */
static char *read_quoted(const char **at)
{
	struct buf text = { 0 };
	const char *from = *at + 1;
	for (; *from && *from != '"'; from++) {
		from += from[0] == '\\' && (from[1] == '"' || from[1] == '\\');
		buf_append(&text, from, 1);
	}
	if (*from != '"') {
		buf_done(&text);
		return NULL;
	}
	*at = from + 1;
	return text.data ? (char *)text.data : must(strdup(""));
}

static char *read_value(const char **at)
{
	if (**at == '"') {
		return read_quoted(at);
	}
	size_t len = strcspn(*at, "; \t");
	char *text = must(strndup(*at, len));
	*at += len;
	return text;
}

/* Decodes "UTF-8'LANGUAGE'TEXT"; false: another form. */
static bool decode_extended(char *text)
{
	const char *quote = strncasecmp(text, "UTF-8'", 6) == 0 ? strchr(text + 6, '\'') : NULL;
	if (!quote) {
		return false;
	}
	memmove(text, quote + 1, strlen(quote + 1) + 1);
	unescape(text, true);
	return true;
}

static void set(char **slot, char **value)
{
	free(*slot);
	*slot = take_ptr(value);
}

static bool name_is(const char *from, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(from, name, len) == 0;
}

/* name=value; extended: filename* was read, which is preferred. */
static bool read_parameter(const char **at, struct disposition *d, bool *extended)
{
	const char *name = *at;
	size_t len = strcspn(name, "=; \t");
	if (name[len] != '=') {
		return false;
	}
	*at = name + len + 1;
	auto_free char *value = read_value(at);
	if (!value) {
		return false;
	}
	if (name_is(name, len, "filename*")) {
		*extended = decode_extended(value);
		if (*extended) {
			set(&d->filename, &value);
		}
		return true;
	}
	unescape(value, false);
	if (name_is(name, len, "name")) {
		set(&d->name, &value);
	} else if (name_is(name, len, "filename") && !*extended) {
		set(&d->filename, &value);
	}
	return true;
}

static bool is_text(const char *text)
{
	return !text || utf8_is_valid((const uint8_t *)text, strlen(text));
}

bool disposition_read(const char *text, struct disposition *ret)
{
	static const char form[] = "form-data";
	struct disposition d = { 0 };
	bool extended = false, ok;
	text += strspn(text, " \t");
	ok = strncasecmp(text, form, sizeof(form) - 1) == 0;
	text += ok ? sizeof(form) - 1 : 0;
	while (ok) {
		text += strspn(text, " \t");
		if (*text == '\0') {
			break;
		}
		ok = *text++ == ';';
		text += ok ? strspn(text, "; \t") : 0;
		ok = ok && (*text == '\0' || read_parameter(&text, &d, &extended));
	}
	if (!ok || !d.name || !is_text(d.name) || !is_text(d.filename)) {
		disposition_done(&d);
		return false;
	}
	*ret = d;
	return true;
}

void disposition_done(struct disposition *d)
{
	free(d->name);
	free(d->filename);
	*d = (struct disposition){ 0 };
}

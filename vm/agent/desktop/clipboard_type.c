#include "vm/agent/desktop/clipboard_type.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <glib.h>
#include <string.h>

#define TARGETS_MAX 4

/* ---- text ---- */

/* False: a character is above U+00FF. */
static bool to_latin1(const uint8_t *s, size_t len, struct buf *to)
{
	buf_reserve(to, len + 1);
	for (size_t n; len; s += n, len -= n) {
		n = *s < 0x80 ? 1 : 2;
		if (*s > 0xc3) {
			return false;
		}
		uint8_t one = n == 1 ? *s : (uint8_t)(*s << 6 | (s[1] & 0x3f));
		buf_append(to, &one, 1);
	}
	return true;
}

/* Nothing says which encoding text/plain has. */
static void read_text(const struct clip_atoms *atoms, const struct clip_item *item, struct buf *to)
{
	const uint8_t *s = item->data.data;
	size_t len = item->data.len;
	while (len > 0 && s[len - 1] == '\0') {
		len--; /* of a C program */
	}
	if (item->type == atoms->at[CLIP_STRING] ||
		(item->target == atoms->at[CLIP_PLAIN] && !utf8_is_valid(s, len))) {
		utf8_append_latin1(to, s, len);
	} else {
		utf8_append_clean(to, s, len);
	}
}

static void add(struct clip_data *to, Atom target, const void *bytes, size_t len)
{
	struct buf copy = { 0 };
	buf_append(&copy, bytes, len);
	clip_data_add(to, target, target, &copy);
}

static void add_text(
	const struct clip_atoms *atoms, const void *bytes, size_t len, struct clip_data *to)
{
	struct buf latin1 = { 0 };
	add(to, atoms->at[CLIP_UTF8], bytes, len);
	add(to, atoms->at[CLIP_PLAIN_UTF8], bytes, len);
	add(to, atoms->at[CLIP_PLAIN], bytes, len);
	if (to_latin1(bytes, len, &latin1)) {
		clip_data_add(to, atoms->at[CLIP_STRING], atoms->at[CLIP_STRING], &latin1);
	}
	buf_done(&latin1);
}

static void fill_text(
	const struct clip_atoms *atoms, const struct clip_copy *copy, struct clip_data *to)
{
	add_text(atoms, copy->bytes, copy->len, to);
}

/* ---- HTML ---- */

/* Some programs write UTF-16, with a byte order mark. */
static bool read_utf16(const struct clip_item *item, struct buf *to)
{
	const uint8_t *s = item->data.data;
	size_t len = item->data.len;
	bool little = len >= 2 && s[0] == 0xff && s[1] == 0xfe;
	bool big = len >= 2 && s[0] == 0xfe && s[1] == 0xff;
	gsize n = 0;
	g_autofree char *utf8 = little || big
					? g_convert((const char *)s + 2, (gssize)(len - 2), "UTF-8",
						  little ? "UTF-16LE" : "UTF-16BE", NULL, &n, NULL)
					: NULL;
	if (utf8) {
		utf8_append_clean(to, (const uint8_t *)utf8, n);
	}
	return utf8;
}

static void read_html(const struct clip_atoms *atoms, const struct clip_item *item, struct buf *to)
{
	if (!read_utf16(item, to)) {
		read_text(atoms, item, to);
	}
}

static void fill_html(
	const struct clip_atoms *atoms, const struct clip_copy *copy, struct clip_data *to)
{
	add(to, atoms->at[CLIP_HTML], copy->bytes, copy->len);
	if (copy->plain) {
		add_text(atoms, copy->plain, strlen(copy->plain), to);
	}
}

/* ---- pictures ---- */

static void read_as_is(const struct clip_atoms *atoms, const struct clip_item *item, struct buf *to)
{
	(void)atoms;
	buf_append(to, item->data.data, item->data.len);
}

static void fill_png(
	const struct clip_atoms *atoms, const struct clip_copy *copy, struct clip_data *to)
{
	add(to, atoms->at[CLIP_PNG], copy->bytes, copy->len);
}

/* ---- the table ---- */

static const struct row {
	enum clip_atom targets[TARGETS_MAX]; /* best first; ends with 0 */
	void (*read)(const struct clip_atoms *atoms, const struct clip_item *item, struct buf *to);
	void (*fill)(
		const struct clip_atoms *atoms, const struct clip_copy *copy, struct clip_data *to);
} rows[CLIPBOARD_TYPES] = {
	[CLIPBOARD_TEXT] = { { CLIP_UTF8, CLIP_PLAIN_UTF8, CLIP_STRING, CLIP_PLAIN }, read_text,
		fill_text },
	[CLIPBOARD_HTML] = { { CLIP_HTML }, read_html, fill_html },
	[CLIPBOARD_PNG] = { { CLIP_PNG }, read_as_is, fill_png },
};

int clip_type_targets(
	const struct clip_atoms *atoms, const struct clipboard_wish *wish, Atom ret[CLIP_ITEMS])
{
	int n = 0;
	_Static_assert(CLIPBOARD_TYPES * TARGETS_MAX <= CLIP_ITEMS, "they fit");
	for (int i = 0; i < wish->n; i++) {
		const struct row *row = &rows[wish->types[i]];
		for (int k = 0; k < TARGETS_MAX && row->targets[k]; k++) {
			ret[n++] = atoms->at[row->targets[k]];
		}
	}
	return n;
}

static int type_of(const struct clip_atoms *atoms, Atom target)
{
	for (int type = 0; type < CLIPBOARD_TYPES; type++) {
		Atom list[CLIP_ITEMS];
		int n = clip_type_targets(atoms, &(struct clipboard_wish){ 1, { type } }, list);
		while (n-- > 0) {
			if (list[n] == target) {
				return type;
			}
		}
	}
	return -1;
}

bool clip_type_read(const struct clip_atoms *atoms, const struct clip_item *item, int *ret_type,
	struct buf *to, struct err *err)
{
	int type = type_of(atoms, item->target);
	*ret_type = type;
	rows[type].read(atoms, item, to);
	return clipboard_check(type, to->data, to->len, err);
}

void clip_type_fill(
	const struct clip_atoms *atoms, const struct clip_copy *copy, struct clip_data *to)
{
	rows[copy->type].fill(atoms, copy, to);
}

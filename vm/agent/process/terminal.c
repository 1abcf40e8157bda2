#include "vm/agent/process/terminal.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#include <glib.h>
#include <libtsm.h>
#include <string.h>
#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon.h>

struct terminal {
	struct tsm_screen *screen;
	struct tsm_vte *vte;
	void (*reply)(const char *bytes, size_t len, void *data);
	void *data;
};

static void on_reply(struct tsm_vte *vte, const char *bytes, size_t len, void *data)
{
	struct terminal *t = data;
	(void)vte;
	t->reply(bytes, len, t->data);
}

struct terminal *terminal_new(
	int columns, int rows, void (*reply)(const char *bytes, size_t len, void *data), void *data)
{
	struct terminal *t = must(calloc(1, sizeof(*t)));
	t->reply = reply;
	t->data = data;
	if (tsm_screen_new(&t->screen, NULL, NULL) < 0 ||
		tsm_vte_new(&t->vte, t->screen, on_reply, t, NULL, NULL) < 0) {
		abort(); /* fails without memory only */
	}
	terminal_resize(t, columns, rows);
	return t;
}

void terminal_free(struct terminal *t)
{
	if (t) {
		tsm_vte_unref(t->vte);
		tsm_screen_unref(t->screen);
		free(t);
	}
}

void terminal_add(struct terminal *t, const void *bytes, size_t len)
{
	tsm_vte_input(t->vte, bytes, len);
}

/* ---- keys ---- */

struct key {
	uint32_t keysym; /* of a key with a name, or of a character of ASCII */
	uint32_t character;
	unsigned modifiers;
};

static const struct {
	const char *name;
	uint32_t keysym;
} key_names[] = {
	{ "enter", XKB_KEY_Return },
	{ "return", XKB_KEY_Return },
	{ "tab", XKB_KEY_Tab },
	{ "backspace", XKB_KEY_BackSpace },
	{ "escape", XKB_KEY_Escape },
	{ "esc", XKB_KEY_Escape },
	{ "up", XKB_KEY_Up },
	{ "down", XKB_KEY_Down },
	{ "left", XKB_KEY_Left },
	{ "right", XKB_KEY_Right },
	{ "insert", XKB_KEY_Insert },
	{ "delete", XKB_KEY_Delete },
	{ "home", XKB_KEY_Home },
	{ "end", XKB_KEY_End },
	{ "pageup", XKB_KEY_Page_Up },
	{ "page_up", XKB_KEY_Page_Up },
	{ "pagedown", XKB_KEY_Page_Down },
	{ "page_down", XKB_KEY_Page_Down },
};

static const struct {
	const char *name;
	unsigned modifier;
} modifier_names[] = {
	{ "ctrl+", TSM_CONTROL_MASK },
	{ "alt+", TSM_ALT_MASK },
	{ "shift+", TSM_SHIFT_MASK },
};

static unsigned take_modifier(const char **name)
{
	for (size_t i = 0; i < sizeof(modifier_names) / sizeof(modifier_names[0]); i++) {
		size_t len = strlen(modifier_names[i].name);
		if (g_ascii_strncasecmp(*name, modifier_names[i].name, len) == 0 && (*name)[len]) {
			*name += len;
			return modifier_names[i].modifier;
		}
	}
	return 0;
}

static uint32_t find_key(const char *name)
{
	for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++) {
		if (g_ascii_strcasecmp(name, key_names[i].name) == 0) {
			return key_names[i].keysym;
		}
	}
	char *end;
	long number = g_ascii_tolower(name[0]) == 'f' ? strtol(name + 1, &end, 10) : 0;
	return number >= 1 && number <= 12 && !*end ? XKB_KEY_F1 + (uint32_t)number - 1
						    : XKB_KEY_NoSymbol;
}

static bool parse_key(const char *name, struct key *ret)
{
	unsigned modifier;
	*ret = (struct key){ 0 };
	while ((modifier = take_modifier(&name))) {
		ret->modifiers |= modifier;
	}
	if (g_ascii_strcasecmp(name, "space") == 0) {
		name = " ";
	}
	ret->keysym = find_key(name);
	if (ret->keysym != XKB_KEY_NoSymbol) {
		return true;
	}
	ret->character = g_utf8_strlen(name, -1) == 1 ? g_utf8_get_char(name) : 0;
	ret->keysym = xkb_utf32_to_keysym(ret->character);
	return ret->character >= ' ';
}

bool terminal_key_check(const char *key, struct err *err)
{
	struct key ignored;
	return parse_key(key, &ignored) ||
	       err_set(err, ERR_ARGUMENT,
		       "'%.60s' is no key of a terminal; expected one character, or one of Enter, "
		       "Tab, Backspace, Escape, Up, Down, Left, Right, Insert, Delete, Home, End, "
		       "PageUp, PageDown, Space, F1 to F12, after ctrl+, alt+ or shift+ if needed",
		       key);
}

void terminal_press(struct terminal *t, const char *name)
{
	struct key key;
	if (!parse_key(name, &key)) {
		return;
	}
	uint32_t ascii = key.character < 0x80 ? key.character : 0;
	tsm_vte_handle_keyboard(t->vte, key.keysym, ascii ? ascii : XKB_KEY_NoSymbol, key.modifiers,
		key.character ? key.character : TSM_VTE_INVALID);
}

/* ---- the screen ---- */

void terminal_resize(struct terminal *t, int columns, int rows)
{
	tsm_screen_resize(t->screen, (unsigned)columns, (unsigned)rows);
}

void terminal_size(const struct terminal *t, int *ret_columns, int *ret_rows)
{
	*ret_columns = (int)tsm_screen_get_width(t->screen);
	*ret_rows = (int)tsm_screen_get_height(t->screen);
}

/* The text of a screen, line by line; cells come in their order. */
struct drawing {
	json_t *lines;
	struct buf line;
	size_t used; /* bytes of the line up to its last character that is no space */
	unsigned row;
};

static void end_line(struct drawing *d)
{
	d->line.len = d->used;
	json_array_append_new(d->lines, must(json_stringn((const char *)d->line.data, d->used)));
	d->line.len = d->used = 0;
	d->row++;
}

static int on_cell(struct tsm_screen *screen, uint64_t id, const uint32_t *text, size_t len,
	unsigned width, unsigned column, unsigned row, const struct tsm_screen_attr *attr,
	tsm_age_t age, void *data)
{
	struct drawing *d = data;
	(void)screen, (void)id, (void)column, (void)attr, (void)age;
	while (d->row < row) {
		end_line(d);
	}
	if (!len) { /* a blank, or the second half of a wide character (width 0) */
		buf_append(&d->line, " ", width > 0);
	}
	for (size_t i = 0; i < len; i++) {
		char utf8[8];
		size_t n = tsm_ucs4_to_utf8(text[i], utf8);
		utf8_append_clean(&d->line, (const uint8_t *)utf8, n);
	}
	bool blank = !len || (len == 1 && text[0] == ' ');
	d->used = blank ? d->used : d->line.len;
	return 0;
}

/* Behind the last column, the cursor waits for the next character. */
static int within(int at, int size)
{
	return at < 0 ? 0 : at < size ? at : size - 1;
}

void terminal_describe(struct terminal *t, struct msg_process_screen_answer *ret)
{
	struct drawing d = { .lines = json_array() };
	int columns, rows;
	unsigned flags = tsm_screen_get_flags(t->screen);
	terminal_size(t, &columns, &rows);
	buf_reserve(&d.line, 1);
	tsm_screen_draw(t->screen, on_cell, &d);
	while (d.row < (unsigned)rows) {
		end_line(&d);
	}
	buf_done(&d.line);
	*ret = (struct msg_process_screen_answer){
		.columns = columns,
		.rows = rows,
		.column = within((int)tsm_screen_get_cursor_x(t->screen), columns),
		.row = within((int)tsm_screen_get_cursor_y(t->screen), rows),
		.cursor = !(flags & TSM_SCREEN_HIDE_CURSOR),
		.alternate = flags & TSM_SCREEN_ALTERNATE,
		.lines = d.lines,
	};
}

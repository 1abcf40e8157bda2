#include "vm/agent/process/terminal.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#include <glib.h>
#include <string.h>
#include <vterm.h>

struct terminal {
	VTerm *vt;
	VTermScreen *screen;
	VTermPos cursor;
	bool visible, alternate;
	void (*reply)(const char *bytes, size_t len, void *data);
	void *data;
};

static int on_cursor(VTermPos to, VTermPos from, int visible, void *data)
{
	struct terminal *t = data;
	(void)from, (void)visible;
	t->cursor = to;
	return 1;
}

static int on_property(VTermProp prop, VTermValue *value, void *data)
{
	struct terminal *t = data;
	if (prop == VTERM_PROP_CURSORVISIBLE) {
		t->visible = value->boolean;
	} else if (prop == VTERM_PROP_ALTSCREEN) {
		t->alternate = value->boolean;
	}
	return 1;
}

static void on_reply(const char *bytes, size_t len, void *data)
{
	struct terminal *t = data;
	t->reply(bytes, len, t->data);
}

struct terminal *terminal_new(
	int columns, int rows, void (*reply)(const char *bytes, size_t len, void *data), void *data)
{
	static const VTermScreenCallbacks callbacks = {
		.movecursor = on_cursor,
		.settermprop = on_property,
	};
	struct terminal *t = must(calloc(1, sizeof(*t)));
	t->vt = must(vterm_new(rows, columns));
	t->visible = true;
	t->reply = reply;
	t->data = data;
	vterm_set_utf8(t->vt, 1);
	vterm_output_set_callback(t->vt, on_reply, t);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_set_callbacks(t->screen, &callbacks, t);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	return t;
}

void terminal_free(struct terminal *t)
{
	if (t) {
		vterm_free(t->vt);
		free(t);
	}
}

void terminal_add(struct terminal *t, const void *bytes, size_t len)
{
	vterm_input_write(t->vt, bytes, len);
}

/* ---- keys ---- */

struct key {
	VTermKey named; /* VTERM_KEY_NONE: a character */
	uint32_t character;
	VTermModifier modifiers;
};

static const struct {
	const char *name;
	VTermKey key;
} key_names[] = {
	{ "enter", VTERM_KEY_ENTER },
	{ "return", VTERM_KEY_ENTER },
	{ "tab", VTERM_KEY_TAB },
	{ "backspace", VTERM_KEY_BACKSPACE },
	{ "escape", VTERM_KEY_ESCAPE },
	{ "esc", VTERM_KEY_ESCAPE },
	{ "up", VTERM_KEY_UP },
	{ "down", VTERM_KEY_DOWN },
	{ "left", VTERM_KEY_LEFT },
	{ "right", VTERM_KEY_RIGHT },
	{ "insert", VTERM_KEY_INS },
	{ "delete", VTERM_KEY_DEL },
	{ "home", VTERM_KEY_HOME },
	{ "end", VTERM_KEY_END },
	{ "pageup", VTERM_KEY_PAGEUP },
	{ "page_up", VTERM_KEY_PAGEUP },
	{ "pagedown", VTERM_KEY_PAGEDOWN },
	{ "page_down", VTERM_KEY_PAGEDOWN },
};

static const struct {
	const char *name;
	VTermModifier modifier;
} modifier_names[] = {
	{ "ctrl+", VTERM_MOD_CTRL },
	{ "alt+", VTERM_MOD_ALT },
	{ "shift+", VTERM_MOD_SHIFT },
};

static VTermModifier take_modifier(const char **name)
{
	for (size_t i = 0; i < sizeof(modifier_names) / sizeof(modifier_names[0]); i++) {
		size_t len = strlen(modifier_names[i].name);
		if (g_ascii_strncasecmp(*name, modifier_names[i].name, len) == 0 && (*name)[len]) {
			*name += len;
			return modifier_names[i].modifier;
		}
	}
	return VTERM_MOD_NONE;
}

static VTermKey find_key(const char *name)
{
	for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++) {
		if (g_ascii_strcasecmp(name, key_names[i].name) == 0) {
			return key_names[i].key;
		}
	}
	char *end;
	long number = g_ascii_tolower(name[0]) == 'f' ? strtol(name + 1, &end, 10) : 0;
	return number >= 1 && number <= 12 && !*end ? VTERM_KEY_FUNCTION(number) : VTERM_KEY_NONE;
}

static bool parse_key(const char *name, struct key *ret)
{
	VTermModifier modifier;
	*ret = (struct key){ 0 };
	while ((modifier = take_modifier(&name))) {
		ret->modifiers |= modifier;
	}
	if (g_ascii_strcasecmp(name, "space") == 0) {
		name = " ";
	}
	ret->named = find_key(name);
	if (ret->named == VTERM_KEY_NONE) {
		ret->character = g_utf8_strlen(name, -1) == 1 ? g_utf8_get_char(name) : 0;
	}
	return ret->named != VTERM_KEY_NONE || ret->character >= ' ';
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
	if (key.named != VTERM_KEY_NONE) {
		vterm_keyboard_key(t->vt, key.named, key.modifiers);
	} else {
		vterm_keyboard_unichar(t->vt, key.character, key.modifiers);
	}
}

/* ---- the screen ---- */

void terminal_resize(struct terminal *t, int columns, int rows)
{
	vterm_set_size(t->vt, rows, columns);
}

void terminal_size(const struct terminal *t, int *ret_columns, int *ret_rows)
{
	vterm_get_size(t->vt, ret_rows, ret_columns);
}

static json_t *line(const struct terminal *t, int row, int columns)
{
	auto_buf struct buf raw = { 0 }, clean = { 0 };
	VTermRect rect = { row, row + 1, 0, columns };
	buf_reserve(&raw, (size_t)columns * VTERM_MAX_CHARS_PER_CELL * 4);
	raw.len = vterm_screen_get_text(
		t->screen, (char *)raw.data, (size_t)columns * VTERM_MAX_CHARS_PER_CELL * 4, rect);
	while (raw.len && raw.data[raw.len - 1] == ' ') {
		raw.len--;
	}
	utf8_append_clean(&clean, raw.data, raw.len);
	return must(json_string(buf_text(&clean)));
}

void terminal_describe(struct terminal *t, struct msg_process_screen_answer *ret)
{
	int columns, rows;
	terminal_size(t, &columns, &rows);
	json_t *lines = json_array();
	for (int row = 0; row < rows; row++) {
		json_array_append_new(lines, line(t, row, columns));
	}
	*ret = (struct msg_process_screen_answer){
		.columns = columns,
		.rows = rows,
		.column = t->cursor.col,
		.row = t->cursor.row,
		.cursor = t->visible,
		.alternate = t->alternate,
		.lines = lines,
	};
}

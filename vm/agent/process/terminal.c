#include "vm/agent/process/terminal.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"

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

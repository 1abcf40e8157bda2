/* The fake desktop's state: a pointer, one text field, a list of windows, and a log of all
 * input. */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/nearest.h"

#include <string.h>
#include <strings.h>

void fake_desktop_init(struct fake_desktop *desktop, struct size screen, int64_t scale)
{
	desktop->scale = (int)scale;
	desktop->screen = screen;
	desktop->frame = geometry_fit(screen);
	desktop->pointer = (struct point){ desktop->frame.width / 2, desktop->frame.height / 2 };
	desktop->frame_id = 1;
	desktop->last_pid = 100;
}

static int at_most(int at, int most)
{
	return at < most ? at : most;
}

void fake_desktop_resize(struct fake_desktop *desktop, struct size screen)
{
	struct point *p = &desktop->pointer;
	desktop->screen = screen;
	desktop->frame = geometry_fit(screen);
	*p = (struct point){ at_most(p->x, desktop->frame.width - 1),
		at_most(p->y, desktop->frame.height - 1) };
	desktop->resized_frame = ++desktop->frame_id;
}

void fake_desktop_done(struct fake_desktop *desktop)
{
	buf_done(&desktop->typed);
	buf_done(&desktop->events);
	buf_done(&desktop->clipboard.bytes);
	buf_done(&desktop->clipboard.plain);
	buf_done(&desktop->heard);
	for (size_t i = 0; i < FAKE_LISTENERS_MAX; i++) {
		buf_done(&desktop->listeners[i].word);
		buf_done(&desktop->listeners[i].text);
	}
}

/* ---- the checks of the real agent ---- */

static bool check_point(const struct fake_desktop *desktop, const char *what,
	const struct field_ints *at, struct err *err)
{
	struct size size = desktop->frame;
	if (at->count && (at->at[0] < 0 || at->at[1] < 0 || at->at[0] >= size.width ||
				 at->at[1] >= size.height)) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' (%lld, %lld) is outside the screen: x ranges from 0 to %d, y from 0 to "
			"%d",
			what, (long long)at->at[0], (long long)at->at[1], size.width - 1,
			size.height - 1);
	}
	return true;
}

static const char *const keys[] = { "ctrl", "control", "shift", "alt", "altgr", "super", "meta",
	"cmd", "win", "enter", "Return", "Tab", "esc", "Escape", "space", "BackSpace", "Delete",
	"del", "Insert", "Home", "End", "Page_Up", "Page_Down", "pageup", "pagedown", "Up", "Down",
	"Left", "Right", "Menu", "Print", "Pause", "Caps_Lock", "plus", "minus", "comma", "period",
	"slash", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12",
	"KP_Enter", "Shift_L", "Shift_R", "Control_L", "Control_R", "Alt_L", "Alt_R", "Super_L",
	"XF86AudioPlay", NULL };

static bool is_one_character(const char *name)
{
	size_t chars = 0;
	for (const char *c = name; *c; c++) {
		chars += (*c & 0xc0) != 0x80;
	}
	return chars == 1;
}

static bool check_key(const char *name, struct err *err)
{
	if (is_one_character(name)) {
		return true;
	}
	for (size_t i = 0; keys[i]; i++) {
		if (strcasecmp(keys[i], name) == 0) {
			return true;
		}
	}
	const char *near = nearest_name(name, keys);
	if (near) {
		return err_set(err, ERR_ARGUMENT, "'text': unknown key '%.48s'; did you mean '%s'?",
			name, near);
	}
	return err_set(err, ERR_ARGUMENT,
		"'text': unknown key '%.48s'; a key is one character or an X keysym name such "
		"as Return, Page_Up or F5, and a combination joins keys with '+', as in ctrl+shift+t",
		name);
}

/* A '+' at the start of a name is the key itself. */
static bool check_keys(const char *text, struct err *err)
{
	char name[64];
	for (const char *at = text ? text : ""; *at;) {
		size_t len = *at == '+' ? 1 : strcspn(at, "+ ");
		size_t n = len < sizeof(name) ? len : sizeof(name) - 1;
		memcpy(name, at, n);
		name[n] = '\0';
		if (len && !check_key(name, err)) {
			return false;
		}
		at += len;
		at += *at == '+' || *at == ' ';
	}
	return true;
}

bool fake_desktop_check(
	const struct fake_desktop *desktop, const struct action *action, struct err *err)
{
	bool keys_only = action->kind >= ACTION_KEY && action->kind <= ACTION_KEY_UP;
	return fake_mark_check(desktop, action->mark, err) &&
	       check_point(desktop, "coordinate", &action->at, err) &&
	       check_point(desktop, "start_coordinate", &action->from, err) &&
	       check_keys(action->modifiers, err) && check_keys(action->keys, err) &&
	       (!keys_only || check_keys(action->text, err));
}

/* ---- actions ---- */

static int64_t count_chars(const char *text)
{
	int64_t n = 0;
	for (; *text; text++) {
		n += (*text & 0xc0) != 0x80;
	}
	return n;
}

static void backspace(struct buf *typed)
{
	while (typed->len && (typed->data[typed->len - 1] & 0xc0) == 0x80) {
		typed->len--;
	}
	typed->len -= typed->len > 0;
}

static void press(struct fake_desktop *desktop, const char *text)
{
	if (strcasecmp(text, "Return") == 0 || strcasecmp(text, "enter") == 0) {
		buf_append(&desktop->typed, "\n", 1);
	} else if (strcasecmp(text, "Tab") == 0) {
		buf_append(&desktop->typed, "\t", 1);
	} else if (strcasecmp(text, "space") == 0) {
		buf_append(&desktop->typed, " ", 1);
	} else if (strcasecmp(text, "BackSpace") == 0) {
		backspace(&desktop->typed);
	} else if (is_one_character(text)) {
		buf_append(&desktop->typed, text, strlen(text));
	}
}

static void record(struct fake_desktop *desktop, const struct action *a)
{
	struct buf *to = &desktop->events;
	if (to->len > 100000) {
		buf_done(to);
	}
	buf_printf(to, "%s", action_kind_names[a->kind]);
	if (a->kind == ACTION_SCROLL) {
		buf_printf(
			to, " %s %lld", action_direction_names[a->direction], (long long)a->amount);
	} else if (a->kind <= ACTION_DRAG && a->kind != ACTION_MOVE) {
		buf_printf(to, " %s", action_button_names[a->button]);
	}
	if (a->kind <= ACTION_SCROLL) {
		buf_printf(to, " %d,%d", desktop->pointer.x, desktop->pointer.y);
	}
	if (a->kind == ACTION_CLICK) {
		buf_printf(to, " count=%lld", (long long)a->count);
	}
	if (a->from.count) {
		buf_printf(
			to, " from=%lld,%lld", (long long)a->from.at[0], (long long)a->from.at[1]);
	}
	if (a->text && a->kind != ACTION_TYPE && a->kind != ACTION_PASTE) {
		buf_printf(to, " %s", a->text);
	}
	if (a->repeat > 1) {
		buf_printf(to, " repeat=%lld", (long long)a->repeat);
	}
	if (a->modifiers) {
		buf_printf(to, " %s", a->modifiers);
	}
	buf_append(to, "\n", 1);
}

int64_t fake_desktop_do(struct fake_desktop *desktop, const struct action *a)
{
	if (!action_is_input(a)) {
		return 0;
	}
	if (a->at.count) {
		desktop->pointer = (struct point){ (int)a->at.at[0], (int)a->at.at[1] };
	}
	if (a->mark) {
		const struct rect *r = &desktop->marks[a->mark - 1];
		desktop->pointer = (struct point){ r->x + r->width / 2, r->y + r->height / 2 };
	}
	record(desktop, a);
	desktop->frame_id++;
	if (a->kind == ACTION_KEY) {
		for (int64_t i = 0; i < (a->repeat ? a->repeat : 1); i++) {
			press(desktop, a->text);
		}
	}
	if (a->kind != ACTION_TYPE && a->kind != ACTION_PASTE) {
		return 0;
	}
	if (desktop->typed.len < 10 * ACTION_TEXT_MAX) {
		buf_append(&desktop->typed, a->text, strlen(a->text));
	}
	return count_chars(a->text);
}

/* ---- windows ---- */

const struct fake_window *fake_desktop_open(
	struct fake_desktop *desktop, const char *title, const char *class)
{
	if (desktop->n_windows == FAKE_WINDOWS_MAX) {
		memmove(desktop->windows, desktop->windows + 1,
			sizeof(desktop->windows) - sizeof(desktop->windows[0]));
		desktop->n_windows--;
	}
	struct fake_window *window = &desktop->windows[desktop->n_windows++];
	*window = (struct fake_window){
		.id = 0x400000 + desktop->last_pid,
		.pid = ++desktop->last_pid,
		.title = title,
		.class = class,
	};
	desktop->frame_id++;
	return window;
}

static bool is_active(const struct fake_desktop *desktop, const struct fake_window *window)
{
	const struct fake_window *top = desktop->windows + desktop->n_windows;
	while (top > desktop->windows && top[-1].state == WINDOW_MINIMIZED) {
		top--;
	}
	return window + 1 == top;
}

const struct fake_window *fake_window_find(const struct fake_desktop *desktop, int64_t id)
{
	for (size_t i = 0; i < desktop->n_windows; i++) {
		if (desktop->windows[i].id == id) {
			return &desktop->windows[i];
		}
	}
	return NULL;
}

bool fake_window_is_top(const struct fake_desktop *desktop, int64_t id)
{
	const struct fake_window *window = fake_window_find(desktop, id);
	return window && is_active(desktop, window);
}

struct rect fake_window_place(const struct fake_desktop *desktop, const struct fake_window *window)
{
	int i = (int)(window - desktop->windows);
	return window->at.width > 0 ? window->at
				    : (struct rect){ 40 + 20 * i, 30 + 20 * i, 640, 400 };
}

json_t *fake_window_json(const struct fake_desktop *desktop, const struct fake_window *window)
{
	struct rect at = fake_window_place(desktop, window);
	const struct msg_window row = {
		.id = window->id,
		.xid = window->id,
		.pid = window->pid,
		.title = window->title,
		.class = window->class,
		.x = at.x,
		.y = at.y,
		.width = at.width,
		.height = at.height,
		.state = window->state,
		.active = is_active(desktop, window),
	};
	return must(field_encode(msg_window_fields, &row));
}

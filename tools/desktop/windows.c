#include "tools/call/tool.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "vm/wire/messages.h"

/* The windows of the desktop. */

struct window_args {
	const char *sandbox;
	int64_t window, x, y, width, height;
	int state;
};

struct window_call {
	struct call *call;
	const struct window_args *args;
	struct msg_window_change change;
};

#define LIST_MAX_BYTES 40000 /* clients hide longer results from the model */
#define UNSET -1

/* Checked by the guest. */
static struct msg_window decode(const json_t *json)
{
	struct msg_window window = { 0 };
	struct err ignored;
	(void)!field_decode(msg_window_fields, json, &window, &ignored);
	return window;
}

static void format_window(struct buf *out, const json_t *json)
{
	struct msg_window w = decode(json);
	buf_printf(out, "%lld ", (long long)w.id);
	result_quote_name(out, w.title ? w.title : "");
	if (w.class) {
		buf_printf(out, " (");
		result_format_name(out, w.class);
		buf_printf(out, ")");
	}
	if (w.pid > 0) {
		buf_printf(out, ", pid %lld", (long long)w.pid);
	}
	buf_printf(out, ", at (%lld, %lld), %lldx%lld", (long long)w.x, (long long)w.y,
		(long long)w.width, (long long)w.height);
	if (w.state != WINDOW_PLAIN) {
		buf_printf(out, ", %s", window_state_names[w.state]);
	}
	if (w.desktop != 0) {
		buf_printf(out, w.desktop < 0 ? ", on all workspaces" : ", on workspace %lld",
			(long long)w.desktop + 1);
	}
	buf_printf(out, "%s", w.active ? ", focused" : "");
}

static void reply(struct call *call, const struct buf *text)
{
	call_reply_text(call, buf_text(text));
}

static void fail(struct call *call, const char *why, const struct buf *text)
{
	struct err err;
	json_t *content = json_array();
	err_set(&err, ERR_STATE, "%s", why);
	result_add_text(content, buf_text(text));
	call_fail_with(call, &err, content);
}

/* ---- window_list ---- */

static const struct field list_fields[] = { CALL_SANDBOX(struct window_args), { 0 } };

static void listed(const json_t *result, const struct err *err, void *data)
{
	struct window_call *w = data;
	if (err) {
		call_fail(w->call, err);
		return;
	}
	const json_t *windows = json_object_get(result, "windows");
	size_t n = json_array_size(windows), i = 0;
	auto_buf struct buf text = { 0 };
	buf_printf(&text, n ? "%zu window%s, front to back:" : "There are no windows.", n,
		n == 1 ? "" : "s");
	for (; i < n && text.len < LIST_MAX_BYTES; i++) {
		buf_printf(&text, "\n");
		format_window(&text, json_array_get(windows, i));
	}
	if (i < n) {
		buf_printf(&text, "\n[%zu more not shown]", n - i);
	}
	reply(w->call, &text);
}

static void begin_list(struct call *call, void *data)
{
	call_works(call, guest_windows(call_guest(call), listed, data));
}

static void run_list(struct call *call, const void *data)
{
	struct window_call *w = call_alloc(call, sizeof(*w));
	*w = (struct window_call){ .call = call, .args = data };
	call_start(call, w->args->sandbox, begin_list, w);
}

const struct tool tool_window_list = {
	.name = "window_list",
	.title = "List windows",
	.help = "Returns all windows, front to back: id, title, program, pid, position and size without "
		"the frame, state, focus. Cheaper than a screenshot to find a window or dialog.",
	.toolset = "computer",
	.hints = TOOL_READS_ONLY | TOOL_REPEATABLE,
	.order = TOOL_LOOKS,
	.fields = list_fields,
	.args_size = sizeof(struct window_args),
	.run = run_list,
};

/* ---- changes ---- */

#define WINDOW_ID \
	FIELD_NUM(struct window_args, window, "Window id, from window_list or launch.", \
		.required = true, .min = 1, .max = UINT32_MAX)

static void format_opened(struct buf *out, const json_t *opened)
{
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)opened, i, one)
	{
		buf_printf(out, "\nAlso opened: ");
		format_window(out, one);
	}
}

static void format_now(struct buf *out, const json_t *result)
{
	const json_t *window = json_object_get(result, "window");
	if (window) {
		format_window(out, window);
	} else {
		buf_printf(out, "The window was closed.");
	}
	format_opened(out, json_object_get(result, "opened"));
}

/* What it got instead of what was asked for. */
static void format_difference(struct buf *out, const struct window_call *w, const json_t *json)
{
	const struct msg_window now = decode(json);
	const struct field_ints *place = &w->change.place, *size = &w->change.size;
	if ((place->count && (place->at[0] != now.x || place->at[1] != now.y)) ||
		(size->count && (size->at[0] != now.width || size->at[1] != now.height))) {
		buf_printf(out,
			"\nThe window manager or the program chose another place or size than "
			"requested.");
	}
}

static void changed(const json_t *result, const struct err *err, void *data)
{
	struct window_call *w = data;
	if (err) {
		call_fail(w->call, err);
		return;
	}
	const json_t *window = json_object_get(result, "window");
	bool done = json_is_true(json_object_get(result, "done"));
	auto_buf struct buf text = { 0 };
	format_now(&text, result);
	if (w->change.verb == WINDOW_CLOSE && !done) {
		buf_printf(&text,
			"\nIt is still open. The program may ask something first, or take "
			"its time: look at a new window above, or take a screenshot.");
	} else if (!done) {
		fail(w->call,
			w->change.verb == WINDOW_FOCUS
				? "the window did not get the focus; a dialog or a menu may keep it"
				: "the window is not in the requested state; its program may not allow "
				  "it",
			&text);
		return;
	} else if (window) {
		format_difference(&text, w, window);
	}
	reply(w->call, &text);
}

static void begin_change(struct call *call, void *data)
{
	struct window_call *w = data;
	struct err err;
	if ((w->change.place.count || w->change.size.count) &&
		!vm_frame_is_known(call_vm(call), &err)) {
		call_fail(call, &err);
		return;
	}
	call_works(call, guest_window_change(call_guest(call), &w->change, changed, w));
}

static struct window_call *change_new(struct call *call, const void *args, enum window_verb verb)
{
	struct window_call *w = call_alloc(call, sizeof(*w));
	*w = (struct window_call){ .call = call, .args = args };
	w->change = (struct msg_window_change){
		.window = w->args->window, .verb = (int)verb, .state = UNSET
	};
	return w;
}

/* ---- window_focus ---- */

static const struct field focus_fields[] = { WINDOW_ID, CALL_SANDBOX(struct window_args), { 0 } };

static void run_focus(struct call *call, const void *args)
{
	struct window_call *w = change_new(call, args, WINDOW_FOCUS);
	call_start(call, w->args->sandbox, begin_change, w);
}

const struct tool tool_window_focus = {
	.name = "window_focus",
	.title = "Focus a window",
	.help = "Brings a window to the front, restores it if minimized, and gives it the keyboard. "
		"Returns its state when the window manager has done so.",
	.toolset = "computer",
	.hints = TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = focus_fields,
	.args_size = sizeof(struct window_args),
	.run = run_focus,
};

/* ---- window_set ---- */

#define SIDE(m, text) \
	FIELD_NUM(struct window_args, m, text, .min = 0, .max = MESSAGE_EDGE_MAX, \
		.default_value = UNSET)

static const struct field set_fields[] = {
	WINDOW_ID,
	SIDE(x, "Left edge, without the frame; with 'y'."),
	SIDE(y, "Upper edge, without the frame; with 'x'."),
	SIDE(width, "Width, without the frame; with 'height'."),
	SIDE(height, "Height, without the frame; with 'width'."),
	FIELD_ONE_OF(struct window_args, state, "Its new state. Default: as it is.",
		window_state_names, .default_value = UNSET),
	CALL_SANDBOX(struct window_args),
	{ 0 },
};

static bool take_pair(
	const char *names, int64_t a, int64_t b, struct field_ints *ret, struct err *err)
{
	if ((a < 0) != (b < 0)) {
		return err_set(err, ERR_ARGUMENT, "%s must be given together", names);
	}
	if (a >= 0) {
		*ret = (struct field_ints){ 2, { a, b } };
	}
	return true;
}

static bool take_set(struct window_call *w, struct err *err)
{
	const struct window_args *a = w->args;
	w->change.state = a->state;
	if (!take_pair("'x' and 'y'", a->x, a->y, &w->change.place, err) ||
		!take_pair("'width' and 'height'", a->width, a->height, &w->change.size, err)) {
		return false;
	}
	if (a->width == 0 || a->height == 0) {
		return err_set(err, ERR_ARGUMENT, "'width' and 'height' must be at least 1");
	}
	return a->state >= 0 || w->change.place.count || w->change.size.count ||
	       err_set(err, ERR_ARGUMENT, "pass 'state', 'x' and 'y', or 'width' and 'height'");
}

static void run_set(struct call *call, const void *args)
{
	struct window_call *w = change_new(call, args, WINDOW_SET);
	struct err err;
	if (!take_set(w, &err)) {
		call_fail(call, &err);
		return;
	}
	call_start(call, w->args->sandbox, begin_change, w);
}

const struct tool tool_window_set = {
	.name = "window_set",
	.title = "Place a window",
	.help = "Moves, resizes, minimizes, maximizes or restores a window. Returns its resulting state "
		"and place, which the program may limit.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_REPEATABLE,
	.order = TOOL_IN_TURN,
	.fields = set_fields,
	.args_size = sizeof(struct window_args),
	.run = run_set,
};

/* ---- window_close ---- */

static void run_close(struct call *call, const void *args)
{
	struct window_call *w = change_new(call, args, WINDOW_CLOSE);
	call_start(call, w->args->sandbox, begin_change, w);
}

const struct tool tool_window_close = {
	.name = "window_close",
	.title = "Close a window",
	.help = "Closes a window as its close button does. Returns whether it closed, and any dialog "
		"that opened instead.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_DESTROYS,
	.order = TOOL_IN_TURN,
	.fields = focus_fields,
	.args_size = sizeof(struct window_args),
	.run = run_close,
};

#include "tools/dialect/dialect.h"

/*
 * OpenAI's tool `computer`: the list `actions` of a computer_call, or the one `action` of older
 * models.  Its loop returns one screenshot for each call.
 */

#define ARGS struct openai_args

struct openai_args {
	int type, button;
	int64_t x, y, scroll_x, scroll_y;
	const json_t *path, *keys;
	const char *text;
};

#define PATH_MAX_POINTS 90
#define KEYS_MAX 8
#define SCROLL_PIXELS_MAX 5000
#define WAIT_MS 2000
/* Of a drag along a path, as in a drag between two points (vm/agent/act/pointer.c). */
#define PRESSED_MS 60
#define ARRIVED_MS 90

static const char *const button_names[] = { "left", "right", "wheel", "back", "forward", NULL };
static const int buttons[] = { BUTTON_LEFT, BUTTON_RIGHT, BUTTON_MIDDLE, BUTTON_BACK,
	BUTTON_FORWARD };

static const char *const clicked[] = { "Clicked.", "Right-clicked.", "Middle-clicked.",
	"Clicked the back button.", "Clicked the forward button." };

static struct field_ints at(int64_t x, int64_t y)
{
	return (struct field_ints){ 2, { x, y } };
}

/* ---- one action of each type ---- */

static bool step(struct dialect *d, const ARGS *args, struct action action, struct err *err)
{
	return dialect_chord(d, args->keys, &action.modifiers, err) && dialect_add(d, &action, err);
}

static bool translate_click(struct dialect *d, const ARGS *args, struct err *err)
{
	struct action click = { .kind = ACTION_CLICK,
		.at = at(args->x, args->y),
		.button = buttons[args->button],
		.count = 1 };
	if (!step(d, args, click, err)) {
		return false;
	}
	dialect_ack(d, "%s", clicked[args->button]);
	return true;
}

static bool translate_double_click(struct dialect *d, const ARGS *args, struct err *err)
{
	struct action click = { .kind = ACTION_CLICK, .at = at(args->x, args->y), .count = 2 };
	if (!step(d, args, click, err)) {
		return false;
	}
	dialect_ack(d, "Double-clicked.");
	return true;
}

/* Holds the keys during steps that have no modifiers of their own. */
static bool hold(struct dialect *d, const ARGS *args, enum action_kind kind, struct err *err)
{
	struct action key = { .kind = kind };
	return dialect_chord(d, args->keys, &key.text, err) &&
	       (!key.text || dialect_add(d, &key, err));
}

static bool translate_move(struct dialect *d, const ARGS *args, struct err *err)
{
	struct action move = { .kind = ACTION_MOVE, .at = at(args->x, args->y) };
	if (!hold(d, args, ACTION_KEY_DOWN, err) || !dialect_add(d, &move, err) ||
		!hold(d, args, ACTION_KEY_UP, err)) {
		return false;
	}
	dialect_ack(d, "Moved the pointer.");
	return true;
}

static const struct field point_fields[] = {
	FIELD_NUM(ARGS, x, NULL, .required = true),
	FIELD_NUM(ARGS, y, NULL, .required = true),
	{ 0 },
};

static bool read_path(const json_t *path, struct field_ints *ret, struct err *err)
{
	for (size_t i = 0; i < json_array_size(path); i++) {
		ARGS point;
		if (!field_decode(point_fields, json_array_get(path, i), &point, err)) {
			return err_while(err, "point %zu of 'path'", i + 1);
		}
		ret[i] = at(point.x, point.y);
	}
	return true;
}

static bool add_wait(struct dialect *d, int64_t ms, struct err *err)
{
	return dialect_add(d, &(struct action){ .kind = ACTION_WAIT, .ms = ms }, err);
}

/* The agent releases button and keys if a step fails. */
static bool drag_along(struct dialect *d, const ARGS *args, const struct field_ints *points,
	size_t n, struct err *err)
{
	struct action down = { .kind = ACTION_BUTTON_DOWN, .at = points[0] };
	struct action up = { .kind = ACTION_BUTTON_UP };
	if (!hold(d, args, ACTION_KEY_DOWN, err) || !dialect_add(d, &down, err) ||
		!add_wait(d, PRESSED_MS, err)) {
		return false;
	}
	for (size_t i = 1; i < n; i++) {
		if (!dialect_add(
			    d, &(struct action){ .kind = ACTION_MOVE, .at = points[i] }, err)) {
			return false;
		}
	}
	return add_wait(d, ARRIVED_MS, err) && dialect_add(d, &up, err) &&
	       hold(d, args, ACTION_KEY_UP, err);
}

static bool translate_drag(struct dialect *d, const ARGS *args, struct err *err)
{
	struct field_ints points[PATH_MAX_POINTS];
	size_t n = json_array_size(args->path);
	d->point_name = "path";
	if (!read_path(args->path, points, err)) {
		return false;
	}
	struct action drag = { .kind = ACTION_DRAG, .from = points[0], .at = points[1] };
	if (!(n == 2 ? step(d, args, drag, err) : drag_along(d, args, points, n, err))) {
		return false;
	}
	dialect_ack(d, "Dragged.");
	return true;
}

static bool translate_keypress(struct dialect *d, const ARGS *args, struct err *err)
{
	struct action key = { .kind = ACTION_KEY, .repeat = 1 };
	if (!dialect_chord(d, args->keys, &key.text, err) || !dialect_add(d, &key, err)) {
		return false;
	}
	dialect_ack(d, "Pressed %s.", key.text);
	return true;
}

static bool scroll(
	struct dialect *d, const ARGS *args, int direction, int64_t pixels, struct err *err)
{
	struct action wheel = { .kind = ACTION_SCROLL,
		.at = at(args->x, args->y),
		.direction = direction,
		.amount = input_wheel(pixels) };
	return pixels == 0 || step(d, args, wheel, err);
}

static bool translate_scroll(struct dialect *d, const ARGS *args, struct err *err)
{
	int64_t x = args->scroll_x, y = args->scroll_y;
	if (x == 0 && y == 0) {
		return err_set(err, ERR_ARGUMENT, "'scroll_x' or 'scroll_y' must not be 0");
	}
	if (!scroll(d, args, y < 0 ? SCROLL_UP : SCROLL_DOWN, y, err) ||
		!scroll(d, args, x < 0 ? SCROLL_LEFT : SCROLL_RIGHT, x, err)) {
		return false;
	}
	dialect_ack(d, "Scrolled.");
	return true;
}

static bool translate_type(struct dialect *d, const ARGS *args, struct err *err)
{
	d->text_name = "text";
	if (!dialect_add(d, &(struct action){ .kind = ACTION_TYPE, .text = args->text }, err)) {
		return false;
	}
	dialect_ack(d, "Typed.");
	return true;
}

static bool translate_wait(struct dialect *d, const ARGS *args, struct err *err)
{
	(void)args;
	if (!add_wait(d, WAIT_MS, err)) {
		return false;
	}
	dialect_ack(d, "Waited %d s.", WAIT_MS / 1000);
	return true;
}

/* The call ends with one in any case. */
static bool translate_screenshot(struct dialect *d, const ARGS *args, struct err *err)
{
	(void)d;
	(void)args;
	(void)err;
	return true;
}

/* ---- the table ---- */

#define TYPES(X) \
	X(click) \
	X(double_click) \
	X(drag) \
	X(keypress) \
	X(move) \
	X(screenshot) \
	X(scroll) \
	X(type) \
	X(wait)

static const char *const type_names[] = {
#define X(id) #id,
	TYPES(X)
#undef X
		NULL,
};

#define TYPE FIELD_ONE_OF(ARGS, type, "Type of action.", type_names, .required = true)
#define X_Y(...) \
	FIELD_NUM(ARGS, x, "Point.", __VA_ARGS__), FIELD_NUM(ARGS, y, "Point.", __VA_ARGS__)
#define KEYS(...) FIELD_TEXT_LIST(ARGS, keys, "Keys to press or to hold.", KEYS_MAX, __VA_ARGS__)
#define BUTTON FIELD_ONE_OF(ARGS, button, "click.", button_names)
#define PATH(...) \
	FIELD_LIST_OF(ARGS, path, "drag: two or more points.", point_fields, .min = 2, \
		.max = PATH_MAX_POINTS, __VA_ARGS__)
#define PIXELS(m) \
	FIELD_NUM(ARGS, m, "scroll: pixels.", .min = -SCROLL_PIXELS_MAX, .max = SCROLL_PIXELS_MAX)
#define TEXT(...) FIELD_STR(ARGS, text, "type.", .max = ACTION_TEXT_MAX, __VA_ARGS__)
#define FIELDS(id, ...) static const struct field id##_fields[] = { TYPE, __VA_ARGS__ };

FIELDS(click, X_Y(.required = true), BUTTON, KEYS(), { 0 })
FIELDS(double_click, X_Y(.required = true), KEYS(), { 0 })
FIELDS(drag, PATH(.required = true), KEYS(), { 0 })
FIELDS(keypress, KEYS(.min = 1, .required = true), { 0 })
FIELDS(move, X_Y(.required = true), KEYS(), { 0 })
FIELDS(screenshot, { 0 })
FIELDS(scroll, X_Y(.required = true), PIXELS(scroll_x), PIXELS(scroll_y), KEYS(), { 0 })
FIELDS(type, TEXT(.required = true, .min = 1), { 0 })
FIELDS(wait, { 0 })

static const struct {
	const struct field *fields;
	bool (*translate)(struct dialect *d, const ARGS *args, struct err *err);
} types[] = {
#define X(id) { id##_fields, translate_##id },
	TYPES(X)
#undef X
};

/* What the model is told of any action. */
FIELDS(any, X_Y(), BUTTON, KEYS(), PATH(), PIXELS(scroll_x), PIXELS(scroll_y), TEXT(), { 0 })

/* ---- the tool ---- */

struct computer_args {
	const char *sandbox;
	const json_t *actions, *action;
};

static const struct field computer_fields[] = {
	FIELD_LIST_OF(struct computer_args, actions,
		"Actions, in order, such as {\"type\": \"click\", \"button\": \"left\", \"x\": 100, "
		"\"y\": 200}. Coordinates are screenshot pixels.",
		any_fields, .min = 1, .max = ACTION_LIST_MAX),
	FIELD_ONE_OBJECT(
		struct computer_args, action, "One action, instead of actions.", any_fields),
	CALL_SANDBOX(struct computer_args),
	{ 0 },
};

static bool translate(struct dialect *d, const json_t *in, struct err *err)
{
	static const struct field type_fields_only[] = { TYPE, { 0 } };
	json_auto_t *type = json_pack("{s:O*}", "type", json_object_get(in, "type"));
	ARGS args;
	d->name = NULL;
	if (!field_decode(type_fields_only, type, &args, err)) {
		return false;
	}
	int at_type = args.type;
	d->name = type_names[at_type];
	d->point_name = "x, y";
	d->text_name = "keys";
	return field_decode(types[at_type].fields, in, &args, err) &&
	       types[at_type].translate(d, &args, err);
}

static bool translate_call(struct dialect *d, const void *data, struct err *err)
{
	const struct computer_args *args = data;
	size_t n = args->actions ? json_array_size(args->actions) : 1;
	if (!args->actions == !args->action) {
		return err_set(err, ERR_ARGUMENT,
			"either 'actions' or 'action' is required, such as {\"actions\": [{\"type\": "
			"\"screenshot\"}]}");
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *in = args->actions ? json_array_get(args->actions, i) : args->action;
		if (!translate(d, in, err)) {
			return err_while(err, "action %zu of %zu%s%s%s", i + 1, n,
				d->name ? " (" : "", d->name ? d->name : "", d->name ? ")" : "");
		}
	}
	return true;
}

const struct tool dialect_openai[] = {
	{
		.name = "computer",
		.title = "Use the computer",
		.help = "Performs actions with mouse and keyboard. Returns one line for each and one "
			"screenshot, taken when the screen is quiet.",
		.toolset = "openai",
		.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
		.order = TOOL_ACTS,
		.fields = computer_fields,
		.args_size = sizeof(struct computer_args),
		.translate = translate_call,
		.run = dialect_run,
	},
	{ 0 },
};

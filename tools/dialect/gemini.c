#include "tools/dialect/dialect.h"

#include "tools/desktop/programs.h"

/*
 * Google's functions for computer use: those of Gemini 3.5 (the desktop and the browser set), then
 * those of Gemini 2.5.  Coordinates are 0 to 999 on each axis.  What only a browser has is done with
 * the desktop's browser.
 */

#define ARGS struct gemini_args

struct gemini_args {
	const char *sandbox, *intent;
	int64_t x, y, start_x, start_y, end_x, end_y, destination_x, destination_y;
	int64_t magnitude, magnitude_in_pixels;
	int direction; /* enum action_direction */
	const char *text, *key, *keys, *url;
	bool press_enter, clear_before_typing;
	double seconds;
};

struct hotkey_args {
	const char *sandbox, *intent;
	const json_t *keys;
};

#define HOTKEY_KEYS_MAX 8
#define URL_MAX 8000
#define SEARCH_URL "https://www.google.com/"

/* ---- rows of arguments ---- */

#define AXIS(m, ...) \
	FIELD_NUM(ARGS, m, "0 to 999 of the screen.", .min = 0, .max = GRID - 1, __VA_ARGS__)
#define OPTIONAL_AXIS(m) AXIS(m, .default_value = -1)
#define POINT AXIS(x, .required = true), AXIS(y, .required = true)
#define OPTIONAL_POINT OPTIONAL_AXIS(x), OPTIONAL_AXIS(y)
#define DIRECTION \
	FIELD_ONE_OF(ARGS, direction, "Scroll direction.", action_direction_names, .required = true)
#define KEY \
	FIELD_STR(ARGS, key, "Name of the key, such as enter, pagedown or a.", .required = true, \
		.min = 1, .max = ACTION_CHORD_MAX)
#define TEXT \
	FIELD_STR(ARGS, text, "Text to type, in any script.", .required = true, \
		.max = ACTION_TEXT_MAX)
#define ENTER(...) FIELD_FLAG(ARGS, press_enter, "Press Return at the end.", __VA_ARGS__)
#define ENDS(T) \
	FIELD_STR(T, intent, "Why you do this. Has no effect.", .max = 2000), CALL_SANDBOX(T), \
	{ \
		0 \
	}

#define FIELDS(id, ...) static const struct field id##_fields[] = { __VA_ARGS__ };

FIELDS(no, ENDS(ARGS))
FIELDS(point, POINT, ENDS(ARGS))
FIELDS(button, OPTIONAL_POINT, ENDS(ARGS))
FIELDS(drag, OPTIONAL_AXIS(start_x), OPTIONAL_AXIS(start_y), OPTIONAL_AXIS(end_x),
	OPTIONAL_AXIS(end_y), OPTIONAL_POINT, OPTIONAL_AXIS(destination_x),
	OPTIONAL_AXIS(destination_y), ENDS(ARGS))
FIELDS(type, TEXT, ENTER(), ENDS(ARGS))
FIELDS(type_at, POINT, TEXT, ENTER(.default_value = true),
	FIELD_FLAG(ARGS, clear_before_typing, "Select all and delete it first.",
		.default_value = true),
	ENDS(ARGS))
FIELDS(scroll, POINT, DIRECTION,
	FIELD_NUM(ARGS, magnitude_in_pixels, "Distance in pixels.", .min = 0, .max = GRID - 1,
		.default_value = 300),
	FIELD_NUM(ARGS, magnitude, "Distance in thousandths of the screen, instead of pixels.",
		.min = 0, .max = GRID - 1, .default_value = -1),
	ENDS(ARGS))
FIELDS(scroll_at, POINT, DIRECTION,
	FIELD_NUM(ARGS, magnitude, "Distance in thousandths of the screen.", .min = 0,
		.max = GRID - 1, .default_value = 800),
	ENDS(ARGS))
FIELDS(direction, DIRECTION, ENDS(ARGS))
FIELDS(key, KEY, ENDS(ARGS))
FIELDS(keys,
	FIELD_STR(ARGS, keys, "Key combination, such as control+c.", .required = true, .min = 1,
		.max = ACTION_CHORD_MAX),
	ENDS(ARGS))
FIELDS(hotkey,
	FIELD_TEXT_LIST(struct hotkey_args, keys,
		"Keys of the combination, such as [\"control\", "
		"\"c\"].",
		HOTKEY_KEYS_MAX, .required = true, .min = 1),
	ENDS(struct hotkey_args))
FIELDS(wait,
	FIELD_DEC(ARGS, seconds, "Duration in seconds.", .min = 0, .max = ACTION_MS_MAX / 1000.0,
		.default_value = 1),
	ENDS(ARGS))
FIELDS(url, FIELD_STR(ARGS, url, "URL to open.", .required = true, .min = 1, .max = URL_MAX),
	ENDS(ARGS))

/* ---- translations ---- */

#define TRANSLATE(id) \
	static bool translate_##id(struct dialect *d, const void *data, struct err *err)

/* Adds a step at a point, if both numbers are given. */
static bool add_at(struct dialect *d, int64_t x, int64_t y, struct action action, struct err *err)
{
	if ((x < 0) != (y < 0)) {
		return err_set(err, ERR_ARGUMENT, "'x' and 'y' are required together");
	}
	if (x >= 0) {
		action.at = (struct field_ints){ 2, { x, y } };
	}
	return dialect_add(d, &action, err);
}

/* A translation to one step at a point, and its acknowledgement. */
#define AT_POINT(id, acknowledgement, ...) \
	TRANSLATE(id) \
	{ \
		const ARGS *args = data; \
		if (!add_at(d, args->x, args->y, (struct action){ __VA_ARGS__ }, err)) { \
			return false; \
		} \
		dialect_ack(d, acknowledgement); \
		return true; \
	}

AT_POINT(click, "Clicked.", .kind = ACTION_CLICK, .count = 1)
AT_POINT(double_click, "Double-clicked.", .kind = ACTION_CLICK, .count = 2)
AT_POINT(triple_click, "Triple-clicked.", .kind = ACTION_CLICK, .count = 3)
AT_POINT(middle_click, "Middle-clicked.", .kind = ACTION_CLICK, .count = 1, .button = BUTTON_MIDDLE)
AT_POINT(right_click, "Right-clicked.", .kind = ACTION_CLICK, .count = 1, .button = BUTTON_RIGHT)
AT_POINT(mouse_down, "Left mouse button pressed.", .kind = ACTION_BUTTON_DOWN)
AT_POINT(mouse_up, "Left mouse button released.", .kind = ACTION_BUTTON_UP)
AT_POINT(move, "Moved the pointer.", .kind = ACTION_MOVE)

/* The first pair of numbers that is given. */
static bool pick(int64_t x, int64_t y, int64_t other_x, int64_t other_y, struct field_ints *ret)
{
	bool first = x >= 0 && y >= 0;
	*ret = (struct field_ints){ 2, { first ? x : other_x, first ? y : other_y } };
	return ret->at[0] >= 0 && ret->at[1] >= 0;
}

TRANSLATE(drag)
{
	const ARGS *args = data;
	struct action drag = { .kind = ACTION_DRAG };
	if (!pick(args->start_x, args->start_y, args->x, args->y, &drag.from) ||
		!pick(args->end_x, args->end_y, args->destination_x, args->destination_y,
			&drag.at)) {
		return err_set(err, ERR_ARGUMENT,
			"either 'start_x', 'start_y', 'end_x' and 'end_y' or 'x', 'y', "
			"'destination_x' and 'destination_y' are required");
	}
	if (!dialect_add(d, &drag, err)) {
		return false;
	}
	dialect_ack(d, "Dragged.");
	return true;
}

static bool add_key(struct dialect *d, const char *text, struct err *err)
{
	return dialect_add(
		d, &(struct action){ .kind = ACTION_KEY, .text = text, .repeat = 1 }, err);
}

static bool add_text(struct dialect *d, const ARGS *args, struct err *err)
{
	struct action type = { .kind = ACTION_TYPE, .text = args->text };
	if (!dialect_add(d, &type, err) || (args->press_enter && !add_key(d, "Return", err))) {
		return false;
	}
	dialect_ack(d, args->press_enter ? "Typed, and pressed Return." : "Typed.");
	return true;
}

TRANSLATE(type)
{
	return add_text(d, data, err);
}

TRANSLATE(type_at)
{
	const ARGS *args = data;
	struct action click = { .kind = ACTION_CLICK, .count = 1 };
	return add_at(d, args->x, args->y, click, err) &&
	       (!args->clear_before_typing ||
		       (add_key(d, "ctrl+a", err) && add_key(d, "BackSpace", err))) &&
	       add_text(d, args, err);
}

static bool add_scroll(
	struct dialect *d, const ARGS *args, int64_t thousandths, int64_t pixels, struct err *err)
{
	struct action scroll = { .kind = ACTION_SCROLL, .direction = args->direction };
	scroll.amount = thousandths > 0 ? 0 : input_wheel(pixels);
	if (!add_at(d, args->x, args->y, scroll, err)) {
		return false;
	}
	d->steps[d->n - 1].thousandths = thousandths > 0 ? thousandths : 0;
	dialect_ack(d, "Scrolled %s.", action_direction_names[args->direction]);
	return true;
}

TRANSLATE(scroll)
{
	const ARGS *args = data;
	bool pixels = args->magnitude < 0;
	return add_scroll(d, args, args->magnitude, pixels ? args->magnitude_in_pixels : 0, err);
}

TRANSLATE(scroll_at)
{
	const ARGS *args = data;
	return add_scroll(d, args, args->magnitude, 0, err);
}

/* Of one page, as Google's own implementation: sideways, half the screen. */
TRANSLATE(scroll_document)
{
	const ARGS *args = data;
	ARGS here = { .x = -1, .y = -1, .direction = args->direction };
	bool down = args->direction == SCROLL_DOWN;
	if (!down && args->direction != SCROLL_UP) {
		return add_scroll(d, &here, GRID / 2, 0, err);
	}
	if (!add_key(d, down ? "Page_Down" : "Page_Up", err)) {
		return false;
	}
	dialect_ack(d, "Pressed %s.", down ? "Page_Down" : "Page_Up");
	return true;
}

static bool keys(struct dialect *d, enum action_kind kind, const char *text, const char *name,
	struct err *err)
{
	d->text_name = name;
	if (!dialect_add(d,
		    &(struct action){ .kind = kind, .text = text, .repeat = kind == ACTION_KEY },
		    err)) {
		return false;
	}
	dialect_ack(d,
		kind == ACTION_KEY_DOWN ? "Holding %s."
		: kind == ACTION_KEY_UP ? "Released %s."
					: "Pressed %s.",
		text);
	return true;
}

TRANSLATE(press_key)
{
	return keys(d, ACTION_KEY, ((const ARGS *)data)->key, "key", err);
}

TRANSLATE(key_down)
{
	return keys(d, ACTION_KEY_DOWN, ((const ARGS *)data)->key, "key", err);
}

TRANSLATE(key_up)
{
	return keys(d, ACTION_KEY_UP, ((const ARGS *)data)->key, "key", err);
}

TRANSLATE(key_combination)
{
	return keys(d, ACTION_KEY, ((const ARGS *)data)->keys, "keys", err);
}

TRANSLATE(hotkey)
{
	const struct hotkey_args *args = data;
	const char *text;
	return dialect_chord(d, args->keys, &text, err) && keys(d, ACTION_KEY, text, "keys", err);
}

TRANSLATE(go_back)
{
	(void)data;
	return keys(d, ACTION_KEY, "alt+Left", "keys", err);
}

TRANSLATE(go_forward)
{
	(void)data;
	return keys(d, ACTION_KEY, "alt+Right", "keys", err);
}

static bool add_wait(struct dialect *d, double seconds, struct err *err)
{
	struct action wait = { .kind = ACTION_WAIT, .ms = input_ms(seconds) };
	if (!dialect_add(d, &wait, err)) {
		return false;
	}
	dialect_ack(d, "Waited %.10g s.", seconds);
	return true;
}

TRANSLATE(wait)
{
	return add_wait(d, ((const ARGS *)data)->seconds, err);
}

TRANSLATE(wait_5_seconds)
{
	(void)data;
	return add_wait(d, 5, err);
}

/* A call without steps is a screenshot. */
TRANSLATE(take_screenshot)
{
	(void)d;
	(void)data;
	(void)err;
	return true;
}

/* ---- the browser ---- */

static void run_open_web_browser(struct call *call, const void *args)
{
	programs_browse(call, ((const ARGS *)args)->sandbox, NULL);
}

static void run_navigate(struct call *call, const void *data)
{
	const ARGS *args = data;
	programs_browse(call, args->sandbox, args->url);
}

static void run_search(struct call *call, const void *args)
{
	programs_browse(call, ((const ARGS *)args)->sandbox, SEARCH_URL);
}

/* ---- the table ---- */

#define TOOL(id, heading, text, table, more_hints, ...) \
	{ \
		.name = #id, .title = heading, .help = text, .toolset = "gemini", \
		.hints = (more_hints) | TOOL_GRID | TOOL_ALWAYS_LOAD, .fields = table##_fields, \
		.args_size = sizeof(ARGS), __VA_ARGS__ \
	}
#define INPUT(id, heading, text, table, how) \
	TOOL(id, heading, text " Returns a screenshot.", table, TOOL_DESTROYS, .order = TOOL_ACTS, \
		.translate = translate_##how, .run = dialect_run)
#define LOOK(id, heading, text, table, when) \
	TOOL(id, heading, text, table, TOOL_READS_ONLY | TOOL_REPEATABLE, .order = when, \
		.translate = translate_##id, .run = dialect_run)
#define BROWSER(id, heading, text, table) \
	TOOL(id, heading, text, table, 0, .order = TOOL_IN_TURN, .run = run_##id)

const struct tool dialect_gemini[] = {
	LOOK(take_screenshot, "Take a screenshot", "Returns an image of the whole screen.", no,
		TOOL_LOOKS),
	INPUT(click, "Click", "Clicks the left mouse button at a point.", point, click),
	INPUT(double_click, "Double-click", "Double-clicks at a point.", point, double_click),
	INPUT(triple_click, "Triple-click", "Triple-clicks at a point.", point, triple_click),
	INPUT(middle_click, "Middle-click", "Clicks the middle mouse button at a point.", point,
		middle_click),
	INPUT(right_click, "Right-click", "Clicks the right mouse button at a point.", point,
		right_click),
	INPUT(mouse_down, "Press the button", "Presses the left mouse button and holds it.", button,
		mouse_down),
	INPUT(mouse_up, "Release the button", "Releases the left mouse button.", button, mouse_up),
	INPUT(move, "Move the pointer", "Moves the pointer to a point.", point, move),
	INPUT(type, "Type text", "Types text into the window that has the keyboard focus.", type,
		type),
	INPUT(drag_and_drop, "Drag", "Drags from one point to another.", drag, drag),
	LOOK(wait, "Wait", "Waits, and returns a screenshot.", wait, TOOL_IN_TURN),
	INPUT(press_key, "Press a key", "Presses a key and releases it.", key, press_key),
	INPUT(key_down, "Hold a key",
		"Presses a key and holds it until key_up, or until text is typed.", key, key_down),
	INPUT(key_up, "Release a key", "Releases a key after key_down.", key, key_up),
	INPUT(hotkey, "Press keys", "Presses a key combination.", hotkey, hotkey),
	INPUT(scroll, "Scroll", "Scrolls with the mouse wheel at a point.", scroll, scroll),
	INPUT(go_back, "Go back", "Presses alt+Left: back, in a browser.", no, go_back),
	INPUT(go_forward, "Go forward", "Presses alt+Right: forward, in a browser.", no,
		go_forward),
	BROWSER(navigate, "Open a URL",
		"Opens a URL in the desktop's web browser, in a new tab if it is running. Returns a "
		"screenshot.",
		url),
	INPUT(click_at, "Click", "Clicks the left mouse button at a point.", point, click),
	INPUT(hover_at, "Hover", "Moves the pointer to a point.", point, move),
	INPUT(type_text_at, "Type text at a point",
		"Clicks at a point, deletes what is there, types text and presses Return.", type_at,
		type_at),
	INPUT(scroll_document, "Scroll the page",
		"Scrolls one page: presses Page_Up or Page_Down, or turns the wheel sideways.",
		direction, scroll_document),
	INPUT(scroll_at, "Scroll at a point", "Scrolls with the mouse wheel at a point.", scroll_at,
		scroll_at),
	LOOK(wait_5_seconds, "Wait", "Waits for 5 seconds, and returns a screenshot.", no,
		TOOL_IN_TURN),
	INPUT(key_combination, "Press keys", "Presses a key or a key combination.", keys,
		key_combination),
	BROWSER(open_web_browser, "Open the browser",
		"Opens the desktop's web browser. Returns a screenshot.", no),
	BROWSER(search, "Open a search engine",
		"Opens a search engine's page in the desktop's web browser. Returns a screenshot.",
		no),
	{ 0 },
};

#include "tools/input.h"

#include "base/cleanup.h"

/* The mouse: clicks, moves, buttons, drags, scrolling.  Names, arguments and acknowledgements are
 * those of Anthropic's tool. */

#define ARGS struct input_args

#define COORDINATE(help, ...) FIELD_LIST(ARGS, coordinate, help, 2, __VA_ARGS__)
#define MODIFIERS \
	FIELD_STR(ARGS, text, "Modifier keys to hold, such as shift or ctrl+alt.", \
		.max = ACTION_CHORD_MAX)

static const char *modifiers(const struct input_args *args)
{
	return args->text && args->text[0] ? args->text : NULL;
}

/* ---- clicks ---- */

static const struct field click_fields[] = {
	COORDINATE("Point to click, [x, y] in screenshot pixels. Default: the pointer position."),
	MODIFIERS,
	INPUT_ENDS(ARGS),
};

static void click(struct call *call, const struct input_args *args, enum action_button button,
	int count, const char *ack)
{
	struct action action = {
		.kind = ACTION_CLICK,
		.at = args->coordinate,
		.button = button,
		.count = count,
		.modifiers = modifiers(args),
	};
	input_run(call, args, &action, ack);
}

#define CLICK(id, words, button, count, ack, text, more_hints) \
	static void run_##id(struct call *call, const void *args) \
	{ \
		click(call, args, button, count, ack); \
	} \
	const struct tool tool_##id = { \
		.name = #id, \
		.title = words, \
		.help = text, \
		.toolset = "computer", \
		.hints = TOOL_DESTROYS | (more_hints), \
		.order = TOOL_ACTS, \
		.fields = click_fields, \
		.args_size = sizeof(ARGS), \
		.run = run_##id, \
	}

CLICK(left_click, "Click", BUTTON_LEFT, 1, "Clicked.",
	"Click the left mouse button at a point of the screenshot.", TOOL_ALWAYS_LOAD);
CLICK(right_click, "Right-click", BUTTON_RIGHT, 1, "Right-clicked.",
	"Click the right mouse button, for example to open a context menu.", TOOL_ALWAYS_LOAD);
CLICK(middle_click, "Middle-click", BUTTON_MIDDLE, 1, "Middle-clicked.",
	"Click the middle mouse button.", 0);
CLICK(double_click, "Double-click", BUTTON_LEFT, 2, "Double-clicked.",
	"Double-click the left mouse button, for example to open an item or to select a word.",
	TOOL_ALWAYS_LOAD);
CLICK(triple_click, "Triple-click", BUTTON_LEFT, 3, "Triple-clicked.",
	"Triple-click the left mouse button, for example to select a line or a paragraph.", 0);

/* ---- moving ---- */

static const struct field move_fields[] = {
	COORDINATE("Target point, [x, y] in screenshot pixels.", .required = true),
	INPUT_ENDS(ARGS),
};

static void run_mouse_move(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = { .kind = ACTION_MOVE, .at = args->coordinate };
	input_run(call, args, &action, "Moved the pointer.");
}

const struct tool tool_mouse_move = {
	.name = "mouse_move",
	.title = "Move the pointer",
	.help = "Move the pointer without clicking, for example to hover over an element.",
	.toolset = "computer",
	.hints = TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = move_fields,
	.args_size = sizeof(ARGS),
	.run = run_mouse_move,
};

/* ---- the button by itself ---- */

static const struct field button_fields[] = { INPUT_ENDS(ARGS) };

static void run_left_mouse_down(struct call *call, const void *args)
{
	struct action action = { .kind = ACTION_BUTTON_DOWN, .button = BUTTON_LEFT };
	input_run(call, args, &action, "Left mouse button pressed.");
}

const struct tool tool_left_mouse_down = {
	.name = "left_mouse_down",
	.title = "Press the left button",
	.help = "Press the left mouse button at the pointer position and hold it until "
		"left_mouse_up. Use left_click_drag for simple drags.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS,
	.order = TOOL_ACTS,
	.fields = button_fields,
	.args_size = sizeof(ARGS),
	.run = run_left_mouse_down,
};

static void run_left_mouse_up(struct call *call, const void *args)
{
	struct action action = { .kind = ACTION_BUTTON_UP, .button = BUTTON_LEFT };
	input_run(call, args, &action, "Left mouse button released.");
}

const struct tool tool_left_mouse_up = {
	.name = "left_mouse_up",
	.title = "Release the left button",
	.help = "Release the left mouse button at the pointer position, after left_mouse_down.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_REPEATABLE,
	.order = TOOL_ACTS,
	.fields = button_fields,
	.args_size = sizeof(ARGS),
	.run = run_left_mouse_up,
};

/* ---- dragging ---- */

static const struct field drag_fields[] = {
	FIELD_LIST(ARGS, start_coordinate,
		"Point where the button is pressed, [x, y] in screenshot pixels.", 2,
		.required = true),
	COORDINATE("Point where the button is released, [x, y] in screenshot pixels.",
		.required = true),
	MODIFIERS,
	INPUT_ENDS(ARGS),
};

static void run_left_click_drag(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = {
		.kind = ACTION_DRAG,
		.from = args->start_coordinate,
		.at = args->coordinate,
		.button = BUTTON_LEFT,
		.modifiers = modifiers(args),
	};
	input_run(call, args, &action, "Dragged.");
}

const struct tool tool_left_click_drag = {
	.name = "left_click_drag",
	.title = "Drag",
	.help = "Press the left mouse button at one point, move to another point with the button "
		"held, and release it there.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = drag_fields,
	.args_size = sizeof(ARGS),
	.run = run_left_click_drag,
};

/* ---- scrolling ---- */

static const struct field scroll_fields[] = {
	FIELD_ONE_OF(ARGS, scroll_direction, "Scroll direction.", action_direction_words,
		.required = true),
	FIELD_NUM(ARGS, scroll_amount,
		"Number of wheel clicks. 3 to 5 clicks scroll about a third of a page.",
		.required = true, .min = 0, .max = ACTION_SCROLL_MAX),
	COORDINATE(
		"Point to scroll at, [x, y] in screenshot pixels. Default: the pointer position."),
	MODIFIERS,
	INPUT_ENDS(ARGS),
};

static void run_scroll(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = {
		.kind = ACTION_SCROLL,
		.at = args->coordinate,
		.direction = args->scroll_direction,
		.amount = args->scroll_amount,
		.modifiers = modifiers(args),
	};
	auto_buf struct buf ack = { 0 };
	if (args->scroll_amount == 0) {
		buf_printf(&ack, "Did not scroll: 'scroll_amount' is 0.");
	} else {
		buf_printf(&ack, "Scrolled %s.", action_direction_words[args->scroll_direction]);
	}
	input_run(call, args, &action, buf_text(&ack));
}

const struct tool tool_scroll = {
	.name = "scroll",
	.title = "Scroll",
	.help = "Scroll with the mouse wheel.",
	.toolset = "computer",
	.hints = TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = scroll_fields,
	.args_size = sizeof(ARGS),
	.run = run_scroll,
};

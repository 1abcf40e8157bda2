#include "tools/desktop/input.h"

/* The mouse: clicks, moves, buttons, drags, scrolling.  Names, arguments and acknowledgements are
 * those of Anthropic's tool. */

#define ARGS struct input_args

#define COORDINATE(help, ...) FIELD_LIST(ARGS, coordinate, help, 2, __VA_ARGS__)
#define MARK FIELD_NUM(ARGS, mark, "Of a screenshot.", .min = 1, .max = MARKS_MAX)
#define MODIFIERS FIELD_STR(ARGS, text, "Keys to hold, such as ctrl+alt.", .max = ACTION_CHORD_MAX)

static const char *modifiers(const struct input_args *args)
{
	return args->text && args->text[0] ? args->text : NULL;
}

/* ---- clicks ---- */

static const struct field click_fields[] = {
	COORDINATE("[x, y]. Default: the pointer position."),
	MARK,
	MODIFIERS,
	INPUT_ENDS(ARGS),
};

#define CLICK(id, heading, which, times, acknowledgement, text, more_hints) \
	static void step_##id(const struct input_args *args, struct input_step *ret) \
	{ \
		ret->action = (struct action){ \
			.kind = ACTION_CLICK, \
			.at = args->coordinate, \
			.mark = args->mark, \
			.button = which, \
			.count = times, \
			.modifiers = modifiers(args), \
		}; \
		input_ack(ret, acknowledgement); \
	} \
	const struct tool tool_##id = { \
		.name = #id, \
		.title = heading, \
		.help = text, \
		.toolset = "computer", \
		.hints = TOOL_DESTROYS | (more_hints), \
		.order = TOOL_ACTS, \
		.fields = click_fields, \
		.args_size = sizeof(ARGS), \
		.step = step_##id, \
		.run = input_run, \
	}

CLICK(left_click, "Click", BUTTON_LEFT, 1, "Clicked.",
	"Clicks at a point. Returns whether the screen changed. Prefer key where there is a "
	"shortcut.",
	TOOL_ALWAYS_LOAD);
CLICK(right_click, "Right-click", BUTTON_RIGHT, 1, "Right-clicked.",
	"Right-clicks, for example for a context menu. Returns whether the screen changed.",
	TOOL_ALWAYS_LOAD);
CLICK(middle_click, "Middle-click", BUTTON_MIDDLE, 1, "Middle-clicked.",
	"Middle-clicks, for example to open a link in a new tab. Returns whether the screen changed.",
	TOOL_EXTRA);
CLICK(double_click, "Double-click", BUTTON_LEFT, 2, "Double-clicked.",
	"Double-clicks, to open an item or to select a word. Returns whether the screen changed.",
	TOOL_ALWAYS_LOAD);
CLICK(triple_click, "Triple-click", BUTTON_LEFT, 3, "Triple-clicked.",
	"Triple-clicks, to select a line or a paragraph. Returns whether the screen changed.",
	TOOL_EXTRA);

/* ---- moving ---- */

static const struct field move_fields[] = {
	COORDINATE("Target point, [x, y]."),
	MARK,
	INPUT_ENDS(ARGS),
};

static void step_mouse_move(const struct input_args *args, struct input_step *ret)
{
	ret->action =
		(struct action){ .kind = ACTION_MOVE, .at = args->coordinate, .mark = args->mark };
	input_ack(ret, "Moved the pointer.");
}

const struct tool tool_mouse_move = {
	.name = "mouse_move",
	.title = "Move the pointer",
	.help = "Moves the pointer without a click, to hover. Returns whether the screen changed.",
	.toolset = "computer",
	.hints = TOOL_REPEATABLE | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = move_fields,
	.args_size = sizeof(ARGS),
	.step = step_mouse_move,
	.run = input_run,
};

/* ---- the button by itself ---- */

static const struct field button_fields[] = { INPUT_ENDS(ARGS) };

static void step_left_mouse_down(const struct input_args *args, struct input_step *ret)
{
	(void)args;
	ret->action = (struct action){ .kind = ACTION_BUTTON_DOWN, .button = BUTTON_LEFT };
	input_ack(ret, "Left mouse button pressed.");
}

const struct tool tool_left_mouse_down = {
	.name = "left_mouse_down",
	.title = "Press the left button",
	.help = "Presses the left button at the pointer until left_mouse_up. Prefer left_click_drag. "
		"Returns whether the screen changed.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_DESTROYS,
	.order = TOOL_ACTS,
	.fields = button_fields,
	.args_size = sizeof(ARGS),
	.step = step_left_mouse_down,
	.run = input_run,
};

static void step_left_mouse_up(const struct input_args *args, struct input_step *ret)
{
	(void)args;
	ret->action = (struct action){ .kind = ACTION_BUTTON_UP, .button = BUTTON_LEFT };
	input_ack(ret, "Left mouse button released.");
}

const struct tool tool_left_mouse_up = {
	.name = "left_mouse_up",
	.title = "Release the left button",
	.help = "Releases the left button, after left_mouse_down. Returns whether the screen changed.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_DESTROYS | TOOL_REPEATABLE,
	.order = TOOL_ACTS,
	.fields = button_fields,
	.args_size = sizeof(ARGS),
	.step = step_left_mouse_up,
	.run = input_run,
};

/* ---- dragging ---- */

static const struct field drag_fields[] = {
	FIELD_LIST(ARGS, start_coordinate, "Where to press, [x, y].", 2, .required = true),
	COORDINATE("Where to release, [x, y].", .required = true),
	MODIFIERS,
	INPUT_ENDS(ARGS),
};

static void step_left_click_drag(const struct input_args *args, struct input_step *ret)
{
	ret->action = (struct action){
		.kind = ACTION_DRAG,
		.from = args->start_coordinate,
		.at = args->coordinate,
		.button = BUTTON_LEFT,
		.modifiers = modifiers(args),
	};
	input_ack(ret, "Dragged.");
}

const struct tool tool_left_click_drag = {
	.name = "left_click_drag",
	.title = "Drag",
	.help = "Drags with the left button from one point to another. Returns whether the screen "
		"changed.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = drag_fields,
	.args_size = sizeof(ARGS),
	.step = step_left_click_drag,
	.run = input_run,
};

/* ---- scrolling ---- */

static const struct field scroll_fields[] = {
	FIELD_ONE_OF(
		ARGS, scroll_direction, "Direction.", action_direction_names, .required = true),
	FIELD_NUM(ARGS, scroll_amount, "Wheel clicks; 3 to 5 are about a third of a page.",
		.required = true, .min = 0, .max = ACTION_SCROLL_MAX),
	COORDINATE("Where to scroll, [x, y]. Default: the pointer position."),
	MARK,
	MODIFIERS,
	INPUT_ENDS(ARGS),
};

static void step_scroll(const struct input_args *args, struct input_step *ret)
{
	ret->action = (struct action){
		.kind = ACTION_SCROLL,
		.at = args->coordinate,
		.mark = args->mark,
		.direction = args->scroll_direction,
		.amount = args->scroll_amount,
		.modifiers = modifiers(args),
	};
	if (args->scroll_amount == 0) {
		input_ack(ret, "Did not scroll: 'scroll_amount' is 0.");
	} else {
		input_ack(ret, "Scrolled %s.", action_direction_names[args->scroll_direction]);
	}
}

const struct tool tool_scroll = {
	.name = "scroll",
	.title = "Scroll",
	.help = "Turns the mouse wheel. Returns whether the screen changed. Prefer key (Page_Down, "
		"ctrl+End) for long distances.",
	.toolset = "computer",
	.hints = TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = scroll_fields,
	.args_size = sizeof(ARGS),
	.step = step_scroll,
	.run = input_run,
};

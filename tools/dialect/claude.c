#include "tools/dialect/claude.h"
#include "tools/dialect/dialect.h"

#include "base/cleanup.h"

#include <string.h>

/*
 * Anthropic's single tool `computer` {action, ...}: the actions of its versions 20241022, 20250124
 * and 20251124.  They are Vitrine's main tools, so each action is the call of one.  Anthropic's
 * reference loop for all three versions returns a screenshot with each action; this tool does so,
 * too.
 */

#define ACTIONS(X) \
	X(screenshot) \
	INPUT_TOOLS(X) \
	X(cursor_position) \
	X(zoom)

#define X(id) extern const struct tool tool_##id;
ACTIONS(X)
#undef X

static const struct tool *const tools[] = {
#define X(id) &tool_##id,
	ACTIONS(X)
#undef X
};

static const char *const names[] = {
#define X(id) #id,
	ACTIONS(X)
#undef X
		NULL,
};

struct claude_args {
	const char *sandbox;
	int action, scroll_direction;
	struct field_ints coordinate, start_coordinate, end_coordinate, region;
	const char *text, *key;
	int64_t scroll_amount, repeat;
	double duration;
};

#define ARGS struct claude_args

/* What the model is told; each tool's own table decodes and checks. */
static const struct field claude_fields[] = {
	FIELD_ONE_OF(ARGS, action, "Action to perform.", names, .required = true),
	FIELD_LIST(ARGS, coordinate,
		"[x, y] in screenshot pixels: point of a click, a move or a scroll, end of a drag. "
		"Default, except for moves and drags: the pointer position.",
		2),
	FIELD_LIST(ARGS, start_coordinate,
		"left_click_drag: start of the drag, [x, y]. Default: the pointer position.", 2),
	FIELD_LIST(ARGS, end_coordinate, "left_click_drag: the same as coordinate.", 2),
	FIELD_STR(ARGS, text,
		"type: the text. key, hold_key: the key or key combination, such as ctrl+s. Clicks, "
		"drags and scroll: modifiers to hold.",
		.max = ACTION_TEXT_MAX),
	FIELD_STR(ARGS, key, "The same as text.", .max = ACTION_CHORD_MAX),
	FIELD_ONE_OF(ARGS, scroll_direction, "scroll: direction.", action_direction_names,
		.default_value = -1),
	FIELD_NUM(ARGS, scroll_amount, "scroll: number of wheel clicks.", .min = 0,
		.max = ACTION_SCROLL_MAX, .default_value = -1),
	FIELD_DEC(ARGS, duration, "hold_key, wait: seconds.", .min = 0,
		.max = ACTION_MS_MAX / 1000.0, .default_value = -1),
	FIELD_NUM(ARGS, repeat, "key: number of times to press it.", .min = 1,
		.max = ACTION_REPEAT_MAX, .default_value = 1),
	FIELD_LIST(ARGS, region, "zoom: [x0, y0, x1, y1] in screenshot pixels.", 4),
	CALL_SANDBOX(ARGS),
	{ 0 },
};

/* Version 20241022 drags from the pointer position. */
static const struct field drag_fields[] = {
	FIELD_LIST(struct input_args, start_coordinate, NULL, 2),
	FIELD_LIST(struct input_args, coordinate, NULL, 2, .required = true),
	FIELD_STR(struct input_args, text, NULL, .max = ACTION_CHORD_MAX),
	CALL_SANDBOX(struct input_args),
	{ 0 },
};

static const struct field move_fields[] = {
	FIELD_LIST(struct input_args, coordinate, NULL, 2, .required = true),
	INPUT_ENDS(struct input_args),
};

/* Its screenshots have no marks. */
static const struct field *fields_of(const struct tool *tool)
{
	return tool == &tool_left_click_drag ? drag_fields
	       : tool == &tool_mouse_move    ? move_fields
					     : tool->fields;
}

/* Another name that models use for an argument. */
static void take_alias(
	json_t *args, const struct field *fields, const char *alias, const char *name)
{
	json_t *value = json_object_get(args, alias);
	if (value && !json_object_get(args, name) && field_find(fields, name)) {
		json_object_set(args, name, value);
		json_object_del(args, alias);
	}
}

/* Its error does not list arguments that this tool does not have. */
static bool check_names(
	const struct tool *tool, const struct field *fields, const json_t *args, struct err *err)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)args, name, value)
	{
		if (!field_find(fields, name)) {
			return err_set(err, ERR_ARGUMENT, "the action %s does not take '%s'",
				tool->name, name);
		}
	}
	return true;
}

static void run_claude(struct call *call, const void *data)
{
	const ARGS *args = data;
	const struct tool *tool = tools[args->action];
	bool drags = tool == &tool_left_click_drag;
	const struct field *fields = fields_of(tool);
	json_auto_t *in = json_copy((json_t *)call_args(call)); /* the strings remain the call's */
	void *decoded = call_alloc(call, tool->args_size);
	struct err err;
	json_object_del(in, "action");
	take_alias(in, fields, "key", "text");
	if (drags) {
		take_alias(in, fields, "end_coordinate", "coordinate");
	}
	if (!check_names(tool, fields, in, &err)) {
		call_fail(call, &err);
	} else if (!field_decode(fields, in, decoded, &err)) {
		(void)err_while(&err, "%s", tool->name);
		call_fail(call, &err);
	} else if (tool->step) {
		struct input_step *step = call_alloc(call, sizeof(*step));
		tool->step(decoded, step);
		dialect_look(
			call, args->sandbox, action_is_input(&step->action), step, &tool->name, 1);
	} else {
		tool->run(call, decoded);
	}
}

const struct tool dialect_claude[] = {
	{
		.name = "computer",
		.title = "Use the computer",
		.help = "Performs one action with mouse or keyboard, or looks at the screen. Returns an "
			"acknowledgement and a screenshot, taken when the screen is quiet.",
		.toolset = "claude",
		.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
		.order = TOOL_ACTS,
		.fields = claude_fields,
		.args_size = sizeof(ARGS),
		.run = run_claude,
	},
	{
		.name = "bash",
		.title = "Run a command in the shell",
		.help = "Runs a command in a shell that keeps its variables, functions and directory. "
			"Returns stdout, stderr and an exit code other than 0.",
		.toolset = "claude",
		.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD | TOOL_TAKES_TIME,
		.max_chars = 100000,
		.order = TOOL_RUNS,
		.fields = claude_bash_fields,
		.args_size = sizeof(struct claude_bash_args),
		.run = claude_bash,
	},
	{
		.name = "str_replace_based_edit_tool",
		.title = "Edit a text file",
		.help = "Views files and directories, creates files, replaces and inserts text. Returns "
			"numbered lines, those around a change included.",
		.toolset = "claude",
		.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
		.max_chars = 300000,
		.order = TOOL_IN_TURN,
		.fields = claude_edit_fields,
		.args_size = sizeof(struct claude_edit_args),
		.run = claude_edit,
	},
	{ 0 },
};

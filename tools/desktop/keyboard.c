#include "tools/desktop/input.h"

/* The keyboard: text, keys and key combinations, a held key.  Names, arguments and acknowledgements
 * are those of Anthropic's tool. */

#define ARGS struct input_args

/* ---- type ---- */

static const struct field type_fields[] = {
	FIELD_STR(ARGS, text,
		"Text in any script. A line break presses Return, a tab character Tab.",
		.required = true, .min = 1, .max = ACTION_TEXT_MAX),
	INPUT_ENDS(ARGS),
};

static void step_type(const struct input_args *args, struct input_step *ret)
{
	ret->action = (struct action){ .kind = ACTION_TYPE, .text = args->text };
	input_ack(ret, "Typed.");
}

const struct tool tool_type = {
	.name = "type",
	.title = "Type text",
	.help = "Types text into the focused window. Returns when all of it has arrived, or the "
		"reason if it has not. Use key for Escape and shortcuts.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = type_fields,
	.args_size = sizeof(ARGS),
	.step = step_type,
	.run = input_run,
};

/* ---- key ---- */

static const struct field key_fields[] = {
	FIELD_STR(ARGS, text,
		"Such as Return, ctrl+s or Page_Down. Several, separated by spaces, are pressed "
		"one after the other.",
		.required = true, .min = 1, .max = ACTION_CHORD_MAX),
	FIELD_NUM(ARGS, repeat, "Number of presses.", .min = 1, .max = ACTION_REPEAT_MAX,
		.default_value = 1),
	INPUT_ENDS(ARGS),
};

static void step_key(const struct input_args *args, struct input_step *ret)
{
	ret->action =
		(struct action){ .kind = ACTION_KEY, .text = args->text, .repeat = args->repeat };
	input_ack(ret, "Pressed %s.", args->text);
}

const struct tool tool_key = {
	.name = "key",
	.title = "Press keys",
	.help = "Presses a key or a combination: X keysym names or short ones (enter, esc). Returns "
		"whether the screen changed. Faster than menus.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = key_fields,
	.args_size = sizeof(ARGS),
	.step = step_key,
	.run = input_run,
};

/* ---- hold_key ---- */

static const struct field hold_fields[] = {
	FIELD_STR(ARGS, text, "Key or key combination to hold, such as shift or Right.",
		.required = true, .min = 1, .max = ACTION_CHORD_MAX),
	FIELD_DEC(ARGS, duration, "Duration in seconds.", .required = true, .min = 0,
		.max = ACTION_MS_MAX / 1000.0),
	INPUT_ENDS(ARGS),
};

static void step_hold_key(const struct input_args *args, struct input_step *ret)
{
	ret->action = (struct action){
		.kind = ACTION_HOLD_KEY, .text = args->text, .ms = input_ms(args->duration)
	};
	input_ack(ret, "Held %s for %.10gs.", args->text, args->duration);
}

const struct tool tool_hold_key = {
	.name = "hold_key",
	.title = "Hold a key",
	.help = "Holds a key or a combination for some seconds. Returns whether the screen changed.",
	.toolset = "computer",
	.hints = TOOL_EXTRA | TOOL_DESTROYS,
	.order = TOOL_ACTS,
	.fields = hold_fields,
	.args_size = sizeof(ARGS),
	.step = step_hold_key,
	.run = input_run,
};

#include "tools/input.h"

#include "base/cleanup.h"

/* The keyboard: text, keys and key combinations, a held key.  Names, arguments and acknowledgements
 * are those of Anthropic's tool. */

#define ARGS struct input_args

/* ---- type ---- */

static const struct field type_fields[] = {
	FIELD_STR(ARGS, text,
		"Text to type, in any script, including emoji. A line break presses Return, a "
		"tab character presses Tab. At most 100,000 bytes of UTF-8.",
		.required = true, .min = 1, .max = ACTION_TEXT_MAX),
	INPUT_ENDS(ARGS),
};

static void run_type(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = { .kind = ACTION_TYPE, .text = args->text };
	input_run(call, args, &action, "Typed.");
}

const struct tool tool_type = {
	.name = "type",
	.title = "Type text",
	.help = "Type text into the window that has the keyboard focus. Use key for Return, "
		"Escape and shortcuts.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = type_fields,
	.args_size = sizeof(ARGS),
	.run = run_type,
};

/* ---- key ---- */

static const struct field key_fields[] = {
	FIELD_STR(ARGS, text,
		"Key or key combination, such as Return, ctrl+s, alt+F4 or Page_Down. Several, "
		"separated by spaces, are pressed one after the other.",
		.required = true, .min = 1, .max = ACTION_CHORD_MAX),
	FIELD_NUM(ARGS, repeat, "Number of times to press it.", .min = 1, .max = ACTION_REPEAT_MAX,
		.preset = 1),
	INPUT_ENDS(ARGS),
};

static void run_key(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = { .kind = ACTION_KEY, .text = args->text, .repeat = args->repeat };
	auto_buf struct buf ack = { 0 };
	buf_printf(&ack, "Pressed %s.", args->text);
	input_run(call, args, &action, buf_text(&ack));
}

const struct tool tool_key = {
	.name = "key",
	.title = "Press keys",
	.help = "Press a key or a key combination. Accepts X keysym names and common short names "
		"(enter, esc, pgdn).",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = key_fields,
	.args_size = sizeof(ARGS),
	.run = run_key,
};

/* ---- hold_key ---- */

static const struct field hold_fields[] = {
	FIELD_STR(ARGS, text, "Key or key combination to hold, such as shift or Right.",
		.required = true, .min = 1, .max = ACTION_CHORD_MAX),
	FIELD_DEC(ARGS, duration, "Duration in seconds.", .required = true, .min = 0,
		.max = ACTION_MS_MAX / 1000.0),
	INPUT_ENDS(ARGS),
};

static void run_hold_key(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct action action = {
		.kind = ACTION_HOLD_KEY,
		.text = args->text,
		.ms = input_ms(args->duration),
	};
	auto_buf struct buf ack = { 0 };
	buf_printf(&ack, "Held %s for %.10gs.", args->text, args->duration);
	input_run(call, args, &action, buf_text(&ack));
}

const struct tool tool_hold_key = {
	.name = "hold_key",
	.title = "Hold a key",
	.help = "Hold a key or a key combination for a number of seconds, then release it.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS,
	.order = TOOL_ACTS,
	.fields = hold_fields,
	.args_size = sizeof(ARGS),
	.run = run_hold_key,
};

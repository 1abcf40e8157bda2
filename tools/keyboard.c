#include "tools/input.h"

#include "base/cleanup.h"

/* The keyboard: text, keys and chords, a key held down.  Names, inputs and acknowledgements are
 * Anthropic's. */

#define ARGS struct input_args

/* ---- type ---- */

static const struct field type_fields[] = {
	FIELD_STR(ARGS, text,
		"The text, exactly as it should arrive: any script, emoji; a line break presses "
		"Return, a tab Tab. At most 100,000 bytes of UTF-8.",
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
	.help = "Type text into whatever has the keyboard focus. For Return, Escape or shortcuts "
		"use key.",
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
		"A key or chord, such as Return, ctrl+s, alt+F4, Page_Down; several separated by "
		"spaces are pressed in turn.",
		.required = true, .min = 1, .max = ACTION_CHORD_MAX),
	FIELD_NUM(ARGS, repeat, "How many times.", .min = 1, .max = ACTION_REPEAT_MAX, .preset = 1),
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
	.help = "Press a key or a chord. Every X keysym name works, and the usual short ones "
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
	FIELD_STR(ARGS, text, "The key or chord to hold, such as shift or Right.", .required = true,
		.min = 1, .max = ACTION_CHORD_MAX),
	FIELD_DEC(ARGS, duration, "For how many seconds.", .required = true, .min = 0,
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
	.help = "Hold a key or a chord down for some seconds, then release it.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS,
	.order = TOOL_ACTS,
	.fields = hold_fields,
	.args_size = sizeof(ARGS),
	.run = run_hold_key,
};

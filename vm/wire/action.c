/* Each kind of action has a field table for the same struct; "action" selects it. */
#include "vm/wire/action.h"

#include <stdlib.h>
#include <string.h>

const char *const action_kind_names[] = {
	[ACTION_MOVE] = "move",
	[ACTION_CLICK] = "click",
	[ACTION_BUTTON_DOWN] = "button_down",
	[ACTION_BUTTON_UP] = "button_up",
	[ACTION_DRAG] = "drag",
	[ACTION_SCROLL] = "scroll",
	[ACTION_KEY] = "key",
	[ACTION_HOLD_KEY] = "hold_key",
	[ACTION_KEY_DOWN] = "key_down",
	[ACTION_KEY_UP] = "key_up",
	[ACTION_TYPE] = "type",
	[ACTION_PASTE] = "paste",
	[ACTION_WAIT] = "wait",
	[ACTION_KINDS] = NULL,
};
const char *const action_button_names[] = { "left", "middle", "right", "back", "forward", NULL };
const char *const action_direction_names[] = { "up", "down", "left", "right", NULL };
const char *const observe_mode_names[] = { "none", "frame", "settled", NULL };
const char *const observe_format_names[] = { "jpeg", "png", NULL };

#define A struct action
/* FIELD_ONE_OF requires an int: the enum has the same size and is never negative. */
#define KIND \
	{ \
		.name = "action", .help = "Kind of action.", .type = FIELD_ENUM, .required = true, \
		.offset = offsetof(A, kind), .choices = action_kind_names, \
	}
#define AT(...) FIELD_LIST(A, at, "Point, in pixels of the frame.", 2, __VA_ARGS__)
#define MARK FIELD_NUM(A, mark, "Instead: an element of the last marks.", .max = MARKS_MAX)
#define BUTTON FIELD_ONE_OF(A, button, "The button.", action_button_names)
#define MODIFIERS \
	FIELD_STR(A, modifiers, "Keys to hold meanwhile, such as ctrl+shift.", \
		.max = ACTION_CHORD_MAX)
#define KEYS FIELD_STR(A, text, "Keys.", .required = true, .min = 1, .max = ACTION_CHORD_MAX)
#define MS FIELD_NUM(A, ms, "How long.", .required = true, .min = 0, .max = ACTION_MS_MAX)
#define END \
	{ \
		.name = NULL, \
	}

static const struct field kind_fields[] = { KIND, END };
static const struct field move_fields[] = { KIND, AT(), MARK, END };
static const struct field click_fields[] = {
	KIND,
	AT(),
	MARK,
	BUTTON,
	FIELD_NUM(A, count, "How often.", .min = 1, .max = ACTION_CLICKS_MAX, .default_value = 1),
	MODIFIERS,
	END,
};
static const struct field button_fields[] = { KIND, AT(), BUTTON, END };
static const struct field drag_fields[] = {
	KIND,
	FIELD_LIST(A, from, "Start point.", 2),
	AT(.required = true),
	BUTTON,
	MODIFIERS,
	END,
};
static const struct field scroll_fields[] = {
	KIND,
	AT(),
	MARK,
	FIELD_ONE_OF(A, direction, "Which way.", action_direction_names, .required = true),
	FIELD_NUM(A, amount, "Wheel clicks.", .required = true, .min = 0, .max = ACTION_SCROLL_MAX),
	MODIFIERS,
	END,
};
static const struct field key_fields[] = {
	KIND,
	KEYS,
	FIELD_NUM(A, repeat, "How often.", .min = 1, .max = ACTION_REPEAT_MAX, .default_value = 1),
	END,
};
static const struct field hold_key_fields[] = { KIND, KEYS, MS, END };
static const struct field held_fields[] = { KIND, KEYS, END };
static const struct field type_fields[] = {
	KIND,
	FIELD_STR(A, text, "The text.", .required = true, .max = ACTION_TEXT_MAX),
	END,
};
static const struct field paste_fields[] = {
	KIND,
	FIELD_STR(A, text, "The text.", .required = true, .min = 1, .max = ACTION_TEXT_MAX),
	FIELD_STR(A, keys, "Keys of the program's command; default: by its class.", .min = 1,
		.max = ACTION_CHORD_MAX),
	END,
};
static const struct field wait_fields[] = { KIND, MS, END };

static const struct field *const fields_of[ACTION_KINDS] = {
	[ACTION_MOVE] = move_fields,
	[ACTION_CLICK] = click_fields,
	[ACTION_BUTTON_DOWN] = button_fields,
	[ACTION_BUTTON_UP] = button_fields,
	[ACTION_DRAG] = drag_fields,
	[ACTION_SCROLL] = scroll_fields,
	[ACTION_KEY] = key_fields,
	[ACTION_HOLD_KEY] = hold_key_fields,
	[ACTION_KEY_DOWN] = held_fields,
	[ACTION_KEY_UP] = held_fields,
	[ACTION_TYPE] = type_fields,
	[ACTION_PASTE] = paste_fields,
	[ACTION_WAIT] = wait_fields,
};

json_t *action_encode(const struct action *action)
{
	return field_encode(fields_of[action->kind], action);
}

static bool check_mark(const struct action *action, struct err *err)
{
	if (action->mark && action->at.count) {
		return err_set(err, ERR_ARGUMENT, "either 'at' or 'mark', not both");
	}
	return action->kind != ACTION_MOVE || action->mark || action->at.count ||
	       err_set(err, ERR_ARGUMENT, "'at' is missing");
}

bool action_decode(const json_t *in, struct action *ret_action, struct err *err)
{
	struct action action = { 0 };
	if (!json_is_object(in)) {
		return err_set(err, ERR_ARGUMENT, "an action must be an object");
	}
	json_auto_t *kind = json_pack("{s:O*}", "action", json_object_get(in, "action"));
	if (!field_decode(kind_fields, kind, &action, err)) {
		return false;
	}
	if (!field_decode(fields_of[action.kind], in, &action, err)) {
		return err_while(err, "%s", action_kind_names[action.kind]);
	}
	if (!check_mark(&action, err)) {
		return err_while(err, "%s", action_kind_names[action.kind]);
	}
	*ret_action = action;
	return true;
}

bool action_is_input(const struct action *action)
{
	return action->kind != ACTION_WAIT;
}

bool action_has_point(const struct action *action)
{
	return action->at.count || action->from.count;
}

#define O struct observe

const struct field observe_fields[] = {
	FIELD_ONE_OF(O, mode, "Whether and when to capture.", observe_mode_names),
	FIELD_ONE_OF(O, format, "Image format.", observe_format_names),
	FIELD_NUM(O, quality, "JPEG quality.", .min = 1, .max = 100, .default_value = 80),
	FIELD_DEC(O, scale, "Relative to the frame's size.", .min = 0.1, .max = 1,
		.default_value = 1),
	FIELD_LIST(O, region, "[x0, y0, x1, y1]: only this region.", 4),
	FIELD_NUM(O, of_window,
		"A window's id: only its picture, with its menus and dialogs, whole even where others "
		"cover it. Not with `region`, `since`, `only_changes` and `fill`.",
		.min = 0, .max = UINT32_MAX),
	FIELD_NUM(O, marks_ms,
		"Draw a numbered mark on each element that can be clicked; the time that their program "
		"has. Not with `region`, `only_changes` and `fill`.",
		.min = 0, .max = 60000),
	FIELD_NUM(O, since,
		"A frame id. No image if nothing has changed since; an error if a point of an action "
		"has changed since.",
		.min = 0, .max = FRAME_ID_MAX),
	FIELD_FLAG(O, only_changes,
		"Capture only what has changed since that frame, or since the first action."),
	FIELD_FLAG(O, fill, "Scale the region up to the image budget."),
	FIELD_FLAG(O, raw, "Return the pixels instead."),
	FIELD_NUM(O, max_bytes, "Largest image.", .min = 10000, .max = OBSERVE_MAX_BYTES,
		.default_value = OBSERVE_MAX_BYTES),
	FIELD_NUM(O, reaction_ms, "Settled: maximum time until the first change.", .min = 0,
		.max = ACTION_MS_MAX, .default_value = 300),
	FIELD_NUM(O, quiet_ms, "Settled: time without a change.", .min = 0, .max = ACTION_MS_MAX,
		.default_value = 150),
	FIELD_NUM(O, window, "Settled: must show more than its background.", .min = 0,
		.max = UINT32_MAX),
	FIELD_NUM(O, timeout_ms, "Settled: maximum time in total.", .min = 0, .max = ACTION_MS_MAX,
		.default_value = 5000),
	END,
};

void observe_init(struct observe *ret_observe, enum observe_mode mode)
{
	struct err err;
	if (!field_decode(observe_fields, NULL, ret_observe, &err)) {
		abort(); /* only a required row could fail */
	}
	ret_observe->mode = (int)mode;
}

bool observe_check(const struct observe *how, struct size frame, struct err *err)
{
	const int64_t *r = how->region.at;
	if (how->marks_ms && (how->region.count || how->only_changes || how->fill)) {
		return err_set(
			err, ERR_ARGUMENT, "marks are drawn on the screen or on a window only");
	}
	if (how->of_window && (how->region.count || how->since || how->only_changes || how->fill)) {
		return err_set(err, ERR_ARGUMENT,
			"a region, changes and 'since' refer to the screen, not to one window");
	}
	if (how->region.count == 0) {
		return true;
	}
	if (r[0] < 0 || r[1] < 0 || r[0] >= r[2] || r[1] >= r[3] || r[2] > frame.width ||
		r[3] > frame.height) {
		return err_set(err, ERR_ARGUMENT,
			"'region' must be [x0, y0, x1, y1] with 0 <= x0 < x1 <= %d and 0 <= y0 < "
			"y1 <= %d; got [%lld, %lld, %lld, %lld]",
			frame.width, frame.height, (long long)r[0], (long long)r[1],
			(long long)r[2], (long long)r[3]);
	}
	return true;
}

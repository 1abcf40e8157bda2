#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/desktop/input.h"
#include "vm/wire/messages.h"

#include <stdio.h>
#include <string.h>

/* ui_act: acts on an element of a tree, and says whether anything came of it. */

#define ACT_MS 3000

struct act_args {
	const char *sandbox, *element, *action, *value;
	int observe;
};

struct act_call {
	struct call *call;
	const struct act_args *args;
	struct input_look look;
	struct msg_ui_act how;
};

static const struct field act_fields[] = {
	FIELD_STR(struct act_args, element, "Id from ui_tree, such as e3.17.", .required = true,
		.min = 3, .max = 30),
	FIELD_STR(struct act_args, action,
		"click, toggle, expand, collapse, select, focus, menu, or what the element offers.",
		.min = 1, .max = UI_ACTION_MAX),
	FIELD_STR(struct act_args, value,
		"Instead of an action: the text of a field, or the number of a slider.",
		.max = ELEMENT_VALUE_MAX),
	INPUT_OBSERVE(struct act_args),
	CALL_SANDBOX(struct act_args),
	{ 0 },
};

/* ---- the result ---- */

static void format_state(struct buf *out, const struct msg_ui_act_answer *res)
{
	if (res->gone) {
		buf_printf(out, " The element is gone.");
		return;
	}
	if (res->value) {
		buf_printf(out, " Its value is ");
		result_quote_name(out, res->value);
		buf_printf(out, ".");
	}
	if (res->states) {
		buf_printf(out, " It is ");
		result_format_name(out, res->states);
		buf_printf(out, ".");
	}
}

static void format_act(
	struct buf *out, const struct act_call *a, const struct msg_ui_act_answer *res)
{
	static const char *const effects[] = {
		[UI_ACT_DONE] = "Done",
		[UI_ACT_UNSEEN] = "No effect seen",
		[UI_ACT_REFUSED] = "The program refused it",
	};
	buf_printf(out, "%s: ", effects[res->effect]);
	result_format_name(out, a->args->value ? "value" : res->action ? res->action : "action");
	buf_printf(out, " of the ");
	result_format_name(out, res->role);
	if (res->name) {
		buf_printf(out, " ");
		result_quote_name(out, res->name);
	}
	buf_printf(out, ".");
	format_state(out, res);
	if (!a->args->value) {
		buf_printf(out, " The screen %s.", res->changed ? "changed" : "has not changed");
	}
	if (res->unanswered) {
		buf_printf(out, " The program did not answer; a dialog may be open.");
	}
}

/* Whether the screen changed is said already, of the time of the action. */
static void format_look(struct buf *out, const struct call *call, const struct guest_act *res,
	const struct input_look *look)
{
	(void)call;
	buf_printf(out, "Frame %lld.", (long long)res->frame_id);
	if (look->observe >= INPUT_SETTLED && !res->settled) {
		buf_printf(out, " The screen has not settled after %lld ms.",
			(long long)res->waited_ms);
	}
}

static void on_acted(const json_t *result, const struct err *err, void *data)
{
	struct act_call *a = data;
	struct msg_ui_act_answer res = { 0 };
	struct err bad;
	if (!err && !message_decode(&message_ui_act.answer, result, 0, &res, &bad)) {
		err = &bad;
	}
	if (err) {
		call_fail(a->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format_act(&text, a, &res);
	struct observe observe;
	input_observe(&observe, &a->look);
	input_look_after(a->call, &text, &a->look, &observe, format_look);
}

/* ---- the call ---- */

static bool read_element(const char *text, struct msg_ui_act *ret, struct err *err)
{
	long long tree, element;
	int end = 0;
	const char *number = *text == 'e' ? text + 1 : text;
	if (sscanf(number, "%9lld.%9lld%n", &tree, &element, &end) < 2 || number[end] || tree < 1 ||
		element < 1) {
		return err_set(err, ERR_ARGUMENT,
			"'element' must be an id from ui_tree, such as e3.17; got '%.30s'", text);
	}
	ret->tree = tree;
	ret->element = element;
	return true;
}

static void begin(struct call *call, void *data)
{
	struct act_call *a = data;
	call_works(call, guest_ui_act(call_guest(call), &a->how, on_acted, a));
}

static void run(struct call *call, const void *data)
{
	struct act_call *a = call_alloc(call, sizeof(*a));
	struct err err;
	a->call = call;
	a->args = data;
	a->how = (struct msg_ui_act){
		.action = a->args->action, .value = a->args->value, .timeout_ms = ACT_MS
	};
	a->look = (struct input_look){ a->args->observe, 0 };
	if (a->look.observe == INPUT_CHANGED) {
		a->look.observe = INPUT_SETTLED; /* the frame before the action is unknown */
	}
	if (!a->args->action == !a->args->value) {
		err_set(&err, ERR_ARGUMENT, "either 'action' or 'value' is required");
		call_fail(call, &err);
	} else if (!read_element(a->args->element, &a->how, &err)) {
		call_fail(call, &err);
	} else {
		call_start(call, a->args->sandbox, begin, a);
	}
}

const struct tool tool_ui_act = {
	.name = "ui_act",
	.title = "Act on an element",
	.help = "Act on an element of ui_tree without the pointer: an action or a new value. Works "
		"for covered and hidden elements, too. Says whether it had an effect.",
	.toolset = "computer",
	.hints = TOOL_ALWAYS_LOAD,
	.order = TOOL_IN_TURN,
	.fields = act_fields,
	.args_size = sizeof(struct act_args),
	.run = run,
};

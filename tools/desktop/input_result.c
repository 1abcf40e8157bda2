/* The result of input: an acknowledgement of each action, what happened, an image; or what failed. */
#include "tools/desktop/input_impl.h"

#include "base/cleanup.h"
#include "tools/call/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_EXECUTED "Not executed: an earlier computer action in this turn failed."
#define MOVING_SHOWN 6

bool input_has_grid(const struct call *call)
{
	return tool_of_call(call)->hints & TOOL_GRID;
}

/* A part of the frame in the coordinates of the call's tool: pixels, or 0 to 999 (TOOL_GRID). */
static struct rect in_coordinates(const struct call *call, struct rect rect)
{
	if (!input_has_grid(call)) {
		return rect;
	}
	struct size frame = vm_frame(call_vm(call));
	struct point from = geometry_to_grid((struct point){ rect.x, rect.y }, frame);
	struct point last = geometry_to_grid(
		(struct point){ rect.x + rect.width - 1, rect.y + rect.height - 1 }, frame);
	return (struct rect){ from.x, from.y, last.x + 1 - from.x, last.y + 1 - from.y };
}

void input_format_window(
	struct buf *out, const struct call *call, int64_t id, const char *title, struct rect at)
{
	at = in_coordinates(call, at);
	buf_printf(out, "\nWindow %lld ", (long long)id);
	result_quote_name(out, title ? title : "");
	buf_printf(out, " at (%d, %d), %dx%d.", at.x, at.y, at.width, at.height);
}

static int at_index(const json_t *list, size_t i)
{
	return (int)json_integer_value(json_array_get(list, i));
}

void input_format_moving(struct buf *out, const struct call *call, const json_t *moving)
{
	size_t n = json_array_size(moving);
	for (size_t i = 0; i < n && i < MOVING_SHOWN; i++) {
		const json_t *r = json_array_get(moving, i);
		int x = at_index(r, 0), y = at_index(r, 1);
		struct rect at = in_coordinates(
			call, (struct rect){ x, y, at_index(r, 2) - x, at_index(r, 3) - y });
		buf_printf(out, "%s[%d, %d, %d, %d]", i ? ", " : " Still moving: ", at.x, at.y,
			at.x + at.width, at.y + at.height);
	}
	if (n > MOVING_SHOWN) {
		buf_printf(out, " and %zu more regions", n - MOVING_SHOWN);
	}
	if (n) {
		buf_printf(out, ".");
	}
}

static void format_since(struct buf *out, const struct guest_act *res, int64_t since)
{
	buf_printf(out, "The screen has %schanged since frame %lld (frame %lld).",
		res->changed ? "" : "not ", (long long)since, (long long)res->frame_id);
}

void input_format_change(struct buf *out, const struct call *call, const struct guest_act *res,
	const struct input_look *look)
{
	long long frame = res->frame_id, ms = res->waited_ms;
	if (look->since && (look->observe < INPUT_SETTLED || res->settled)) {
		format_since(out, res, look->since);
		input_format_moving(out, call, res->moving);
		return;
	}
	if (look->observe < INPUT_SETTLED) {
		/* Without settling, the result cannot say that nothing will change: programs
		 * repaint later. */
		buf_printf(out, "The screen %s (frame %lld).",
			res->changed ? "changed" : "has not changed", frame);
		return;
	}
	if (res->blank) {
		buf_printf(out,
			"The program painted only its background within %lld ms (frame %lld). It "
			"may still be starting. Take another screenshot.",
			ms, frame);
	} else if (res->settled && !res->changed) {
		buf_printf(
			out, "The screen did not change within %lld ms (frame %lld).", ms, frame);
	} else if (res->settled) {
		buf_printf(out, "The screen changed and settled after %lld ms (frame %lld).", ms,
			frame);
	} else {
		buf_printf(out, "The screen %s not settled after %lld ms (frame %lld).",
			res->changed ? "changed and" : "has not changed and has", ms, frame);
	}
	input_format_moving(out, call, res->moving);
}

/* The step's own point, as the model gave it. */
static struct point asked(const struct input_step *step)
{
	return (struct point){ (int)step->action.at.at[0], (int)step->action.at.at[1] };
}

/* Rounding between screen and frame moves the pointer by at most one pixel. */
static bool arrived(const struct field_ints *at, struct point pointer)
{
	return llabs(at->at[0] - pointer.x) <= 1 && llabs(at->at[1] - pointer.y) <= 1;
}

/* A grab freezes the pointer, and the input arrives when the grab ends. */
static void format_pointer(struct buf *out, const struct input *in, size_t i, struct point pointer)
{
	const struct input_step *step = &in->steps[i];
	const struct field_ints *at = &in->actions[i].at;
	struct point want = asked(step);
	bool there = at->count && arrived(at, pointer);
	if (input_has_grid(in->call)) {
		pointer = there ? want : geometry_to_grid(pointer, vm_frame(call_vm(in->call)));
	}
	buf_printf(out, "Pointer at (%d, %d)", pointer.x, pointer.y);
	if (at->count && !there) {
		buf_printf(out,
			", not at (%d, %d): another program moved or grabbed it; the input may "
			"arrive late",
			want.x, want.y);
	}
	buf_printf(out, ". ");
}

static bool moves_pointer(const struct action *action)
{
	return action->kind <= ACTION_SCROLL;
}

/* The number of the last step that has a pointer; n: none. */
static size_t last_with_pointer(const struct input *in)
{
	size_t i = in->n;
	while (i > 0 && !moves_pointer(&in->steps[i - 1].action)) {
		i--;
	}
	return i > 0 ? i - 1 : in->n;
}

/* The line after the acknowledgements. */
static void format(struct buf *out, const struct input *in, const struct guest_act *res)
{
	size_t pointing = last_with_pointer(in);
	if (res->chars > 0) {
		buf_printf(out, "%lld character%s delivered. ", (long long)res->chars,
			res->chars == 1 ? "" : "s");
	}
	if (res->unfocused) {
		buf_printf(out, "No window has the keyboard focus: only desktop shortcuts work. "
				"Click into a window first. ");
	}
	if (pointing < in->n) {
		format_pointer(out, in, pointing, res->pointer);
	}
	input_format_change(out, in->call, res, &in->look);
	if (res->note) {
		buf_printf(out, "\n");
		result_format_note(out, res->note);
	}
	if (res->frame.bytes) {
		result_format_frame(out, &res->frame, vm_frame(call_vm(in->call)));
	}
}

/* The model's actions are counted by their acknowledgements, which their last steps have. */
static size_t count_actions(const struct input *in, size_t until)
{
	size_t n = 0;
	for (size_t i = 0; i < until; i++) {
		n += in->steps[i].ack[0] != '\0';
	}
	return n;
}

static void format_done(struct buf *out, const struct input *in, size_t done)
{
	for (size_t i = 0; i < done; i++) {
		if (in->steps[i].ack[0]) {
			buf_printf(out, "%s\n", in->steps[i].ack);
		}
	}
}

bool input_name_action(const struct input *in, size_t step, struct err *err)
{
	size_t n = count_actions(in, in->n);
	return n > 1 && err_while(err, "action %zu of %zu (%s)", count_actions(in, step) + 1, n,
				in->names[step]);
}

/* An action that the agent refuses before it begins: "action 2: 'text': unknown key 'x'".  It counts
 * steps, and does not know how the model calls their text. */
static void name_refused(const struct input *in, struct err *err)
{
	struct err said = *err;
	const char *text = said.text;
	size_t step = 1;
	int len = 0;
	if (in->n > 1 && (sscanf(text, "action %zu: %n", &step, &len) != 1 || !len || step < 1 ||
				 step > in->n)) {
		return;
	}
	text += len;
	const char *name = in->steps[step - 1].text_name;
	if (name && strncmp(text, "'text'", 6) == 0) {
		err_set(err, said.kind, "'%s'%s", name, text + 6);
	} else {
		err_set(err, said.kind, "%s", text);
	}
	(void)input_name_action(in, step - 1, err);
}

/* The agent's error says how far the action came; the requested frame, if any, shows it. */
static void fail(struct input *in, const struct guest_act *res)
{
	json_t *content = json_array();
	struct err why = res->failed;
	size_t n = count_actions(in, in->n);
	if (n > 1) {
		auto_buf struct buf text = { 0 };
		(void)input_name_action(in, res->failed_index, &why);
		format_done(&text, in, res->failed_index);
		buf_printf(&text, "Failed.\n");
		for (size_t i = count_actions(in, res->failed_index) + 1; i < n; i++) {
			buf_printf(&text, NOT_EXECUTED "\n");
		}
		result_add_text(content, buf_text(&text));
	}
	result_add_frame(content, &res->frame);
	call_fail_with(in->call, &why, content);
}

/* Where a mark is, only the agent knows. */
static void point_at_mark(const struct input *in, struct point pointer)
{
	size_t last = last_with_pointer(in);
	if (last < in->n && in->actions[last].mark) {
		call_point_at(in->call, &(struct field_ints){ 2, { pointer.x, pointer.y } });
	}
}

void input_acted(const struct guest_act *res, const struct err *err, void *data)
{
	struct input *in = data;
	if (err) {
		struct err why = *err;
		name_refused(in, &why);
		call_fail(in->call, &why);
		return;
	}
	if (res->failed.kind != ERR_NONE) {
		fail(in, res);
		return;
	}
	auto_buf struct buf text = { 0 };
	point_at_mark(in, res->pointer);
	format_done(&text, in, in->n);
	format(&text, in, res);
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	result_add_frame(content, &res->frame);
	call_reply(in->call, content);
}

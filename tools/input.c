#include "tools/input.h"

#include "base/cleanup.h"
#include "tools/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One action: validated, sent, acknowledged; see input.h. */

struct input {
	struct call *call;
	const struct input_args *args;
	struct action action;
	char *ack;
};

int64_t input_ms(double seconds)
{
	return llround(seconds * 1000);
}

bool input_check_point(
	const char *name, const struct field_ints *at, struct size screen, struct err *err)
{
	if (!at->count || (at->at[0] >= 0 && at->at[0] < screen.width && at->at[1] >= 0 &&
				  at->at[1] < screen.height)) {
		return true;
	}
	return err_set(err, ERR_ARGUMENT,
		"'%s' must be on the %dx%d screen (x 0 to %d, y 0 to %d); got [%lld, %lld]", name,
		screen.width, screen.height, screen.width - 1, screen.height - 1,
		(long long)at->at[0], (long long)at->at[1]);
}

#define MOVING_SHOWN 6

static void tell_moving(struct buf *out, const json_t *moving)
{
	size_t n = json_array_size(moving);
	for (size_t i = 0; i < n && i < MOVING_SHOWN; i++) {
		const json_t *r = json_array_get(moving, i);
		buf_printf(out, "%s[%lld, %lld, %lld, %lld]", i ? ", " : " Still moving: ",
			(long long)json_integer_value(json_array_get(r, 0)),
			(long long)json_integer_value(json_array_get(r, 1)),
			(long long)json_integer_value(json_array_get(r, 2)),
			(long long)json_integer_value(json_array_get(r, 3)));
	}
	if (n > MOVING_SHOWN) {
		buf_printf(out, " and %zu more regions", n - MOVING_SHOWN);
	}
	if (n) {
		buf_printf(out, ".");
	}
}

void input_tell_change(struct buf *out, const struct guest_act *res, int mode)
{
	long long frame = res->frame_id, ms = res->waited_ms;
	if (mode != OBSERVE_SETTLED) {
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
	tell_moving(out, res->moving);
}

/* Rounding between screen and frame moves the pointer by at most one pixel.  A grab freezes it, and
 * the input arrives when the grab ends. */
static void tell_pointer(struct buf *out, const struct field_ints *at, struct point pointer)
{
	buf_printf(out, "Pointer at (%d, %d)", pointer.x, pointer.y);
	if (at->count && (llabs(at->at[0] - pointer.x) > 1 || llabs(at->at[1] - pointer.y) > 1)) {
		buf_printf(out,
			", not at (%lld, %lld): another program moved or grabbed it; the input "
			"may arrive late",
			(long long)at->at[0], (long long)at->at[1]);
	}
	buf_printf(out, ". ");
}

/* The line after the acknowledgement. */
static void tell(struct buf *out, const struct input *in, const struct guest_act *res)
{
	switch (in->action.kind) {
	case ACTION_TYPE:
		buf_printf(out, "%lld character%s delivered. ", (long long)res->chars,
			res->chars == 1 ? "" : "s");
		break;
	case ACTION_KEY:
	case ACTION_HOLD_KEY:
		if (res->unfocused) {
			buf_printf(out,
				"No window has the keyboard focus: only desktop shortcuts work. "
				"Click into a window first. ");
		}
		break;
	case ACTION_WAIT:
		break;
	default:
		tell_pointer(out, &in->action.at, res->pointer);
	}
	input_tell_change(out, res, in->args->observe);
	if (res->frame.bytes) {
		result_tell_frame(out, &res->frame, vm_frame(call_vm(in->call)));
	}
}

/* The agent's error says how far the action came; the requested frame, if any, shows it. */
static void fail(struct input *in, const struct guest_act *res)
{
	json_t *content = json_array();
	result_add_frame(content, &res->frame);
	call_fail_with(in->call, &res->failed, content);
}

static void acted(const struct guest_act *res, const struct err *err, void *data)
{
	struct input *in = data;
	if (err) {
		call_fail(in->call, err);
		return;
	}
	if (res->failed.kind != ERR_NONE) {
		fail(in, res);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "%s\n", in->ack);
	tell(&text, in, res);
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	result_add_frame(content, &res->frame);
	call_reply(in->call, content);
}

static void begin(struct call *call, void *data)
{
	struct input *in = data;
	struct size screen = vm_frame(call_vm(call));
	struct observe observe;
	struct err err;
	if (!input_check_point("start_coordinate", &in->args->start_coordinate, screen, &err) ||
		!input_check_point("coordinate", &in->args->coordinate, screen, &err)) {
		call_fail(call, &err);
		return;
	}
	observe_init(&observe, in->args->observe);
	call_works(call, guest_act(call_guest(call), &in->action, 1, &observe, acted, in));
}

void input_run(struct call *call, const struct input_args *args, const struct action *action,
	const char *ack)
{
	struct input *in = call_alloc(call, sizeof(*in));
	in->call = call;
	in->args = args;
	in->action = *action;
	in->ack = call_alloc(call, strlen(ack) + 1);
	memcpy(in->ack, ack, strlen(ack));
	call_summarize(call, ack);
	call_point_at(call, &args->coordinate);
	call_start(call, args->sandbox, begin, in);
}

#include "tools/desktop/input_impl.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Actions: validated, sent, acknowledged; see input.h. */

#define SUMMARY_MAX 200
#define WHEEL_PIXELS 53 /* what Chromium scrolls for one click */

const char *const input_observe_names[] = { "none", "frame", "settled", "changed", NULL };

static bool check_point(
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

void input_observe(struct observe *ret, const struct input_look *look)
{
	static const enum observe_mode modes[] = {
		[INPUT_NONE] = OBSERVE_NONE,
		[INPUT_FRAME] = OBSERVE_FRAME,
		[INPUT_SETTLED] = OBSERVE_SETTLED,
		[INPUT_CHANGED] = OBSERVE_SETTLED,
	};
	observe_init(ret, modes[look->observe]);
	ret->since = look->since;
	ret->only_changes = look->observe == INPUT_CHANGED;
}

static bool check_points(const struct input *in, struct size screen, struct err *err)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct action *action = &in->actions[i];
		const char *name = in->steps[i].point_name;
		if (!check_point(name ? name : "start_coordinate", &action->from, screen, err) ||
			!check_point(name ? name : "coordinate", &action->at, screen, err)) {
			return input_name_action(in, i, err);
		}
	}
	return true;
}

static bool has_points(const struct input *in)
{
	for (size_t i = 0; i < in->n; i++) {
		if (action_has_point(&in->actions[i])) {
			return true;
		}
	}
	return false;
}

/* How the model calls the point; a dialect has no marks. */
static bool check_target(const struct input_step *step, struct err *err)
{
	const struct action *action = &step->action;
	if (action->mark && action->at.count) {
		return err_set(err, ERR_ARGUMENT, "pass 'coordinate' or 'mark', not both");
	}
	return action->kind != ACTION_MOVE || action->mark || action->at.count ||
	       err_set(err, ERR_ARGUMENT, "'coordinate' or 'mark' is required");
}

static bool check_targets(const struct input *in, struct err *err)
{
	for (size_t i = 0; i < in->n; i++) {
		if (!check_target(&in->steps[i], err)) {
			return input_name_action(in, i, err);
		}
	}
	return true;
}

int64_t input_wheel(int64_t pixels)
{
	int64_t clicks = (llabs(pixels) + WHEEL_PIXELS / 2) / WHEEL_PIXELS;
	return clicks ? clicks : pixels != 0;
}

static void place_point(struct field_ints *at, struct size screen)
{
	struct point p = { (int)at->at[0], (int)at->at[1] };
	if (at->count) {
		p = geometry_from_grid(p, screen);
		*at = (struct field_ints){ 2, { p.x, p.y } };
	}
}

/* From the grid to the frame; numbers are checked before. */
static void place(
	struct action *action, const struct input_step *step, struct size screen, bool grid)
{
	bool upright = action->direction == SCROLL_UP || action->direction == SCROLL_DOWN;
	if (grid) {
		place_point(&action->at, screen);
		place_point(&action->from, screen);
	}
	if (step->thousandths) {
		action->amount = input_wheel(
			step->thousandths * (upright ? screen.height : screen.width) / GRID);
	}
}

static void place_all(struct input *in, struct size screen)
{
	in->actions = call_alloc(in->call, in->n * sizeof(*in->actions));
	for (size_t i = 0; i < in->n; i++) {
		in->actions[i] = in->steps[i].action;
		place(&in->actions[i], &in->steps[i], screen, input_has_grid(in->call));
		if (in->actions[i].at.count) {
			call_point_at(in->call, &in->actions[i].at);
		}
	}
}

static void begin(struct call *call, void *data)
{
	struct input *in = data;
	struct observe observe;
	struct err err;
	place_all(in, vm_frame(call_vm(call)));
	if ((has_points(in) && !vm_frame_is_known(call_vm(call), &err)) ||
		!check_points(in, vm_frame(call_vm(call)), &err)) {
		call_fail(call, &err);
		return;
	}
	input_observe(&observe, &in->look);
	call_works(
		call, guest_act(call_guest(call), in->actions, in->n, &observe, input_acted, in));
}

static void summarize(struct input *in)
{
	auto_buf struct buf text = { 0 };
	for (size_t i = 0; i < in->n && text.len < SUMMARY_MAX; i++) {
		const char *ack = in->steps[i].ack;
		buf_printf(&text, "%s%s", *ack && text.len ? " " : "", ack);
	}
	call_summarize(in->call, buf_text(&text));
}

void input_run_all(struct call *call, const char *sandbox, const struct input_look *look,
	const struct input_step *steps, const char *const *names, size_t n)
{
	struct input *in = call_alloc(call, sizeof(*in));
	*in = (struct input){
		.call = call,
		.look = *look,
		.steps = steps,
		.names = names,
		.n = n,
	};
	summarize(in);
	struct err err;
	if (check_targets(in, &err)) {
		call_start(call, sandbox, begin, in);
	} else {
		call_fail(call, &err);
	}
}

void input_run(struct call *call, const void *data)
{
	const struct input_args *args = data;
	struct input_step *step = call_alloc(call, sizeof(*step));
	tool_of_call(call)->step(args, step);
	input_run_all(call, args->sandbox, &(struct input_look){ args->observe, args->since }, step,
		NULL, 1);
}

void input_ack(struct input_step *step, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(step->ack, sizeof(step->ack), format, args);
	va_end(args);
}

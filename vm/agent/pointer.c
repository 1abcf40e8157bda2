/* Clicks, wheel and drags: what one hand does.  A drag runs on one timer, from step to step. */
#include "vm/agent/pointer.h"

#include "base/cleanup.h"
#include "base/loop.h"

#define SETTLE_MS 60 /* after the press, before the first move */
#define STEP_MS 12
#define DWELL_MS 90 /* at the end, before the release */
#define STEP_PIXELS 20
#define STEPS_MIN 5
#define STEPS_MAX 40

int pointer_button(enum action_button button)
{
	static const int numbers[] = {
		[BUTTON_LEFT] = 1,
		[BUTTON_MIDDLE] = 2,
		[BUTTON_RIGHT] = 3,
		[BUTTON_BACK] = 8,
		[BUTTON_FORWARD] = 9,
	};
	return numbers[button];
}

static void tap(struct input *in, int button, int count)
{
	for (int i = 0; i < count; i++) {
		input_button(in, button, true);
		input_button(in, button, false);
	}
}

void pointer_click(struct input *in, enum action_button button, int count)
{
	tap(in, pointer_button(button), count);
}

void pointer_scroll(struct input *in, enum action_direction direction, int amount)
{
	static const int numbers[] = {
		[SCROLL_UP] = 4,
		[SCROLL_DOWN] = 5,
		[SCROLL_LEFT] = 6,
		[SCROLL_RIGHT] = 7,
	};
	tap(in, numbers[direction], amount);
}

struct drag {
	struct input *in;
	struct point from, to;
	int button; /* to release at the end; 0: none */
	int step, steps;
	sd_event_source *timer;
	step_fn *fn;
	void *data;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *data);

static void after(struct drag *drag, uint64_t ms)
{
	loop_drop(&drag->timer);
	drag->timer = loop_after_ms(display_loop(drag->in->display), ms, on_timer, drag);
}

static int along(int from, int to, int step, int steps)
{
	return from + (int)((int64_t)(to - from) * step / steps);
}

static void end(struct drag *drag)
{
	struct err why;
	if (drag->button) {
		input_button(drag->in, drag->button, false);
	}
	bool lost = display_is_lost(drag->in->display);
	if (lost) {
		err_set(&why, ERR_STATE,
			"the X server went away in the middle of a drag; try again in a second");
	}
	drag->fn(lost ? &why : NULL, drag->data);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct drag *drag = data;
	if (drag->step == drag->steps) {
		end(drag);
		return 0;
	}
	drag->step++;
	input_move(
		drag->in, (struct point){ along(drag->from.x, drag->to.x, drag->step, drag->steps),
				  along(drag->from.y, drag->to.y, drag->step, drag->steps) });
	bool arrived = drag->step == drag->steps;
	after(drag, arrived && drag->button ? DWELL_MS : STEP_MS);
	return 0;
}

static int distance(int from, int to)
{
	return from < to ? to - from : from - to;
}

struct drag *drag_glide(
	struct input *in, struct point from, struct point to, step_fn *fn, void *data)
{
	struct drag *drag = must(calloc(1, sizeof(*drag)));
	*drag = (struct drag){ .in = in, .from = from, .to = to, .fn = fn, .data = data };
	int dx = distance(from.x, to.x), dy = distance(from.y, to.y);
	int steps = (dx > dy ? dx : dy) / STEP_PIXELS;
	drag->steps = steps < STEPS_MIN ? STEPS_MIN : steps > STEPS_MAX ? STEPS_MAX : steps;
	after(drag, STEP_MS);
	return drag;
}

struct drag *drag_start(struct input *in, struct point from, struct point to,
	enum action_button button, step_fn *fn, void *data)
{
	struct drag *drag = drag_glide(in, from, to, fn, data);
	drag->button = pointer_button(button);
	input_move(in, from);
	input_button(in, drag->button, true);
	after(drag, SETTLE_MS);
	return drag;
}

void drag_free(struct drag *drag)
{
	if (drag) {
		loop_drop(&drag->timer);
		free(drag);
	}
}

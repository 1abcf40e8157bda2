/* Clicks, wheel and drags.  Clicks and drags each use one timer for all steps. */
#include "vm/agent/act/pointer.h"

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

/* ---- wheel ---- */

void pointer_scroll(struct input *in, enum action_direction direction, int amount)
{
	static const int numbers[] = {
		[SCROLL_UP] = 4,
		[SCROLL_DOWN] = 5,
		[SCROLL_LEFT] = 6,
		[SCROLL_RIGHT] = 7,
	};
	for (int i = 0; i < amount; i++) {
		input_button(in, numbers[direction], true);
		input_button(in, numbers[direction], false);
	}
}

static bool is_lost(const struct input *in, const char *what, struct err *ret_why)
{
	if (!display_is_lost(in->display)) {
		return false;
	}
	err_set(ret_why, ERR_STATE,
		"the X server exited in the middle of a %s; try again in a second", what);
	return true;
}

/* ---- clicks ---- */

struct clicks {
	struct input *in;
	int button, steps; /* remaining presses and releases */
	sd_event_source *timer;
	step_fn *fn;
	void *data;
};

static int on_click(sd_event_source *source, uint64_t usec, void *data);

static void click_step(struct clicks *clicks)
{
	bool down = clicks->steps-- % 2 == 0;
	input_button(clicks->in, clicks->button, down);
	loop_drop(&clicks->timer);
	if (clicks->steps > 0) {
		clicks->timer = loop_after_ms(display_loop(clicks->in->display),
			(down ? INPUT_HOLD_MS : INPUT_REST_MS) + INPUT_CLOCK_MS, on_click, clicks);
	}
}

static int on_click(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct clicks *clicks = data;
	struct err why;
	click_step(clicks);
	bool lost = is_lost(clicks->in, "click", &why);
	if (lost || clicks->steps == 0) {
		clicks->fn(lost ? &why : NULL, clicks->data);
	}
	return 0;
}

struct clicks *clicks_start(
	struct input *in, enum action_button button, int count, step_fn *fn, void *data)
{
	struct clicks *clicks = must(calloc(1, sizeof(*clicks)));
	*clicks = (struct clicks){ .in = in, .fn = fn, .data = data };
	clicks->button = pointer_button(button);
	clicks->steps = 2 * count;
	click_step(clicks);
	return clicks;
}

void clicks_free(struct clicks *clicks)
{
	if (clicks) {
		loop_drop(&clicks->timer);
		free(clicks);
	}
}

/* ---- drags ---- */

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
	bool lost = is_lost(drag->in, "drag", &why);
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

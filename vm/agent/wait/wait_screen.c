/* Waiting for a change of the screen, and for its end: by damage. */
#include "vm/agent/wait/wait.h"

#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/act/seat.h"

/* ---- change ---- */

static bool begin_change(struct wait *w, struct err *err)
{
	struct seat *seat = act_queue_seat(w->agent->acts, err);
	w->seen = seat && w->args->since && changes_in(seat->changes, w->from, w->area);
	return seat;
}

static bool on_change(struct wait *w, const XRectangle *area)
{
	w->seen |= rect_overlaps(
		w->area, (struct rect){ area->x, area->y, area->width, area->height });
	return w->seen;
}

static void check_change(struct wait *w)
{
	if (w->seen) {
		wait_happened(
			w, NULL, "The %s changed.", w->args->region.count ? "region" : "screen");
	}
}

static void missing_change(struct wait *w, struct buf *out)
{
	buf_printf(out, "The %s has not changed.", w->args->region.count ? "region" : "screen");
}

const struct wait_kind wait_change = {
	.begin = begin_change,
	.check = check_change,
	.damaged = on_change,
	.missing = missing_change,
};

/* ---- settled ---- */

static void on_settled(const struct settle_result *result, void *data)
{
	struct wait *w = data;
	if (result->settled) {
		wait_happened(
			w, NULL, "The %s is quiet.", w->args->region.count ? "region" : "screen");
	} else {
		wait_give_up(w);
	}
}

static bool begin_settled(struct wait *w, struct err *err)
{
	static const struct settle_handlers handlers = { .settled = on_settled };
	struct observe how;
	(void)err;
	observe_init(&how, OBSERVE_SETTLED);
	how.quiet_ms = w->args->quiet_ms;
	how.timeout_ms = w->args->timeout_ms;
	loop_drop(&w->deadline); /* the settling has its own */
	settle_wait(w->settle, &how, loop_now_us(), &handlers, w);
	return true;
}

static void missing_settled(struct wait *w, struct buf *out)
{
	buf_printf(out, "The %s keeps changing.", w->args->region.count ? "region" : "screen");
}

const struct wait_kind wait_settled = {
	.begin = begin_settled,
	.missing = missing_settled,
};

/*
 * The requests `act` in order of arrival, of which one with input runs at a time, and the seat of
 * the open display, which they use.
 */
#include "vm/agent/act/act_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

/* ---- the order ---- */

void act_queue_add(struct act *act)
{
	struct act **at = &act->queue->first;
	while (*at) {
		at = &(*at)->next;
	}
	*at = act;
}

void act_queue_remove(struct act *act)
{
	struct act_queue *q = act->queue;
	struct act **at = &q->first;
	while (*at != act) {
		at = &(*at)->next;
	}
	*at = act->next;
	if (q->start) {
		sd_event_source_set_enabled(q->start, SD_EVENT_ONESHOT);
	}
}

struct act *act_queue_first(const struct act_queue *q)
{
	struct act *act = q->first;
	while (act && !act->has_input) {
		act = act->next;
	}
	return act;
}

static int on_start(sd_event_source *source, void *data)
{
	(void)source;
	struct act *act = act_queue_first(data);
	if (act && !act->running && act->turn) {
		act_turn_start(act);
	} else if (act && !act->running) {
		act_start(act);
	}
	return 0;
}

static void end(struct act *act, const struct err *why)
{
	if (act->turn) {
		act_turn_lose(act, why);
	} else {
		act_end(act, why);
	}
}

/* ---- the seat ---- */

static void on_closing(const struct err *why, void *data)
{
	(void)why;
	struct act_queue *q = data;
	struct err away;
	(void)display_is_restarting(&away);
	display_unlisten(q->seat->display, &q->listener);
	while (q->first) {
		end(q->first, &away);
	}
	seat_free(take_ptr(&q->seat));
}

struct seat *act_queue_seat(struct act_queue *q, struct err *err)
{
	struct display *d = q->agent->display;
	if (!display_is_up(d, err)) {
		return NULL;
	}
	if (!q->seat && (q->seat = seat_new(d, err))) {
		q->listener = (struct display_listener){ .closing = on_closing, .data = q };
		display_listen(d, &q->listener);
	}
	return q->seat;
}

/* ---- life ---- */

struct act_queue *act_queue_new(struct agent *agent)
{
	struct act_queue *q = must(calloc(1, sizeof(*q)));
	q->agent = agent;
	q->start = loop_defer(agent->event, on_start, q);
	return q;
}

void act_queue_free(struct act_queue *q)
{
	if (!q) {
		return;
	}
	loop_drop(&q->start);
	struct err why;
	err_set(&why, ERR_GONE, "the agent is shutting down");
	while (q->first) {
		end(q->first, &why);
	}
	if (q->seat) {
		display_unlisten(q->seat->display, &q->listener);
		seat_free(q->seat);
	}
	free(q);
}

void act_queue_let_go(struct act_queue *q)
{
	if (q->seat) {
		input_release_all(&q->seat->input);
	}
}

void act_queue_look_ahead(struct act_queue *q, bool raw)
{
	struct err ignored; /* the next request reports it */
	struct frame frame;
	struct observe how;
	observe_init(&how, OBSERVE_FRAME);
	how.raw = raw;
	(void)!(act_queue_seat(q, &ignored) && observer_frame(q->seat->observer, &q->seat->input,
						       &how, q->agent->frame, &frame, &ignored));
}

void act_queue_skip_frame(struct act_queue *q, uint64_t known)
{
	struct display *d = q->agent->display;
	uint64_t newest = d ? display_frame_id(d) : 0;
	if (q->seat && known > newest) {
		uint64_t next = display_skip_frame(known);
		changes_all(q->seat->changes, next);
		observer_renumber(q->seat->observer, newest, next);
	}
}

bool act_queue_can_look(struct act_queue *q, struct err *err)
{
	return act_queue_seat(q, err) && observer_glance(q->seat->observer, err);
}

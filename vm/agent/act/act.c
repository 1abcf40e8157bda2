/*
 * The operation `act`: reads and checks a request, runs its list when its turn comes, then
 * determines the pointer position, observes the screen and answers.
 */
#include "vm/agent/act/act.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/action_runner.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/x11/settle.h"
#include "vm/agent/x11/windows.h"

struct act {
	struct act_queue *queue;
	struct act *next;
	struct request *req;
	struct action_runner runner;
	bool has_input, running;
	struct observe observe;
	uint64_t first_frame_id;
	uint64_t acted_us; /* when the last input was sent; without input: when the list began */
	json_t *failed;
	struct client_sync *landing;
	struct settle *settle;
	struct settle_result settled;
	bool blank; /* observe.window has only one colour */
};

struct act_queue {
	struct agent *agent;
	struct seat *seat; /* of the open display; NULL until used */
	struct display_listener listener;
	struct act *first; /* in order of arrival */
	sd_event_source *start;
};

static struct input *input_of(struct act *act)
{
	return &act->queue->seat->input;
}

/* ---- ends ---- */

static void act_free(struct act *act)
{
	struct act_queue *q = act->queue;
	for (struct act **at = &q->first; *at; at = &(*at)->next) {
		if (*at == act) {
			*at = act->next;
			break;
		}
	}
	action_runner_done(&act->runner);
	client_sync_free(act->landing);
	settle_free(act->settle);
	json_decref(act->failed);
	free(act);
	if (q->start) {
		sd_event_source_set_enabled(q->start, SD_EVENT_ONESHOT);
	}
}

static void act_end(struct act *act, const struct err *why)
{
	struct request *req = act->req;
	if (act->running && act->has_input && act->queue->seat) {
		input_release_all(input_of(act));
	}
	act_free(act);
	request_fail(req, why);
}

static void on_cancel(void *data)
{
	struct err why;
	err_set(&why, ERR_CANCELLED, "cancelled; held keys and buttons were released");
	act_end(data, &why);
}

/* ---- the reply ---- */

static json_t *describe_frame(const struct frame *f)
{
	const struct size *size = &f->image.size, *raw = &f->raw;
	const struct msg_frame frame = {
		.frame_id = (int64_t)f->frame_id,
		.width = size->width,
		.height = size->height,
		.format = f->format,
		.quality = f->format == FORMAT_JPEG ? f->image.quality : 0,
		.scale = f->image.scale,
		.reduced = *f->image.reduced ? f->image.reduced : NULL,
		.raw = { raw->width ? 2 : 0, { raw->width, raw->height } },
	};
	return must(field_encode(msg_frame_fields, &frame));
}

static json_t *describe_moving(struct act *act)
{
	XRectangle rects[SETTLE_RECTS_MAX];
	struct size screen = display_size(act->queue->seat->display);
	struct size frame = act->queue->agent->frame;
	json_t *moving = json_array();
	int n = settle_moving(act->settle, rects);
	for (int i = 0; i < n; i++) {
		const XRectangle *r = &rects[i];
		struct point last = { r->x + r->width - 1, r->y + r->height - 1 };
		struct point from = geometry_to_frame((struct point){ r->x, r->y }, frame, screen);
		last = geometry_to_frame(last, frame, screen);
		json_array_append_new(
			moving, json_pack("[i,i,i,i]", from.x, from.y, last.x + 1, last.y + 1));
	}
	return moving;
}

static json_t *describe(struct act *act, struct point pointer)
{
	struct act_queue *q = act->queue;
	uint64_t frame_id = display_frame_id(q->seat->display);
	pointer = geometry_to_frame(pointer, q->agent->frame, display_size(q->seat->display));
	json_t *result = json_pack("{s:O, s:[i,i], s:I, s:b}", "done", act->runner.done, "pointer",
		pointer.x, pointer.y, "frame_id", (json_int_t)frame_id, "changed",
		frame_id != act->first_frame_id);
	if (act->failed) {
		json_object_set(result, "failed", act->failed);
	}
	if (act->observe.mode == OBSERVE_SETTLED && !act->failed) {
		bool settled = act->settled.settled && !act->blank;
		json_object_set_new(result, "settled", json_boolean(settled));
		if (act->blank) {
			json_object_set_new(result, "blank", json_true());
		}
		json_object_set_new(result, "moving", describe_moving(act));
		json_object_set_new(result, "waited_ms", json_integer(act->settled.waited_ms));
	}
	return result;
}

static void reply(struct act *act)
{
	struct err err = { 0 };
	struct act_queue *q = act->queue;
	struct frame frame = { 0 };
	struct point pointer = { 0 };
	bool looks = act->observe.mode != OBSERVE_NONE;
	if (looks && !observer_frame(q->seat->observer, input_of(act), &act->observe,
			     q->agent->frame, &frame, &err)) {
		act_end(act, &err);
		return;
	}
	if (!input_pointer(input_of(act), &pointer, &err)) {
		act_end(act, &err);
		return;
	}
	json_t *result = describe(act, pointer);
	if (looks) {
		json_object_set_new(result, "frame", describe_frame(&frame));
	}
	struct request *req = act->req;
	act_free(act);
	request_reply(req, result, frame.image.bytes, frame.image.len);
}

/* Windows have borders. */
#define BORDER 8

/* A launched program is not ready while its window shows only its background. */
static bool on_quiet(void *data)
{
	struct act *act = data;
	struct seat *seat = act->queue->seat;
	struct window_info info;
	struct err ignored;
	Window id = windows_find(seat->display, (uint32_t)act->observe.window);
	act->blank = false;
	if (id && windows_describe(seat->display, id, &info) && info.viewable) {
		struct rect inside = { info.x + BORDER, info.y + BORDER, info.width - 2 * BORDER,
			info.height - 2 * BORDER };
		(void)!observer_is_plain(seat->observer, inside, &act->blank, &ignored);
	}
	return act->blank;
}

static void on_settled(const struct settle_result *result, void *data)
{
	struct act *act = data;
	act->settled = *result;
	if (act->blank) {
		on_quiet(act); /* it may have been painted since */
	}
	reply(act);
}

/* Captures during the quiet time: if nothing else changes, this frame is sent. */
static void on_nearly_settled(void *data)
{
	struct act *act = data;
	struct act_queue *q = act->queue;
	struct frame frame;
	struct err ignored; /* the error recurs at the end */
	(void)!observer_frame(
		q->seat->observer, input_of(act), &act->observe, q->agent->frame, &frame, &ignored);
}

static const struct settle_handlers settle_handlers = {
	.nearly = on_nearly_settled,
	.unready = on_quiet,
	.settled = on_settled,
};

static void look(struct act *act)
{
	if (act->settle && !act->failed) {
		settle_wait(act->settle, &act->observe, act->acted_us, &settle_handlers, act);
		return;
	}
	reply(act);
}

static void on_landed(enum client_sync_answer answer, void *data)
{
	(void)answer;
	struct act *act = data;
	client_sync_free(take_ptr(&act->landing));
	input_wm_caught_up(input_of(act));
	look(act);
}

/*
 * While the window manager holds back a click, the pointer appears to stay there, and later moves
 * have no effect yet.
 */
static void land(struct act *act)
{
	struct input *in = input_of(act);
	struct point at;
	struct err err;
	if (in->moved && input_wm_behind(in, false) && input_pointer(in, &at, &err)) {
		if (at.x == in->target.x && at.y == in->target.y) {
			input_landed(in);
		} else {
			act->landing = client_sync_window_manager(in->display, on_landed, act);
		}
	}
	if (!act->landing) {
		look(act);
	}
}

static void on_runner_end(const struct err *why, void *data)
{
	struct act *act = data;
	if (act->has_input || act->runner.n == 0) {
		act->acted_us = loop_now_us();
	}
	if (why) {
		input_release_all(input_of(act));
		act->failed = json_pack("{s:I, s:s, s:s}", "index", (json_int_t)act->runner.index,
			"kind", err_kind_word(why->kind), "text", why->text);
	}
	land(act);
}

/* ---- the queue ---- */

static void on_closing(const struct err *why, void *data)
{
	(void)why;
	struct act_queue *q = data;
	struct err away;
	err_set(&away, ERR_STATE, "the X server is being restarted; try again in a second");
	display_unlisten(q->seat->display, &q->listener);
	while (q->first) {
		act_end(q->first, &away);
	}
	seat_free(take_ptr(&q->seat));
}

static bool have_seat(struct act_queue *q, struct err *err)
{
	struct display *d = q->agent->display;
	if (!d || display_is_lost(d)) {
		return err_set(
			err, ERR_STATE, "the X server is being restarted; try again in a second");
	}
	if (q->seat) {
		return true;
	}
	q->seat = seat_new(d, err);
	if (!q->seat) {
		return false;
	}
	q->listener = (struct display_listener){ .closing = on_closing, .data = q };
	display_listen(d, &q->listener);
	return true;
}

static void act_start(struct act *act)
{
	struct display *d = act->queue->seat->display;
	act->running = true;
	act->runner.seat = act->queue->seat;
	XSync(display_x(d), False); /* earlier changes are not effects of this list */
	display_catch_up(d);
	act->first_frame_id = display_frame_id(d);
	act->acted_us = loop_now_us();
	if (act->observe.mode == OBSERVE_SETTLED) {
		act->settle = settle_new(d);
	}
	if (act->has_input) {
		input_of(act)->moved = false;
	}
	action_runner_run(&act->runner);
}

/* The list that has the input lock, or gets it next. */
static struct act *first_with_input(const struct act_queue *q)
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
	struct act *act = first_with_input(data);
	if (act && !act->running) {
		act_start(act);
	}
	return 0;
}

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
		act_end(q->first, &why);
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
	(void)!(have_seat(q, &ignored) && observer_frame(q->seat->observer, &q->seat->input, &how,
						  q->agent->frame, &frame, &ignored));
}

struct seat *act_queue_seat(struct act_queue *q, struct err *err)
{
	return have_seat(q, err) ? q->seat : NULL;
}

bool act_queue_can_look(struct act_queue *q, struct err *err)
{
	return have_seat(q, err) && observer_glance(q->seat->observer, err);
}

/* ---- the request ---- */

static bool read_actions(struct act *act, const json_t *actions, struct err *err)
{
	struct agent *agent = act->queue->agent;
	struct size screen = display_size(agent->display);
	size_t n = json_array_size(actions);
	if ((actions && !json_is_array(actions)) || n > ACTION_LIST_MAX) {
		return err_set(err, ERR_ARGUMENT, "'actions' must be a list of at most %d actions",
			ACTION_LIST_MAX);
	}
	act->runner.actions = must(calloc(n + 1, sizeof(*act->runner.actions)));
	for (size_t i = 0; i < n; i++) {
		struct action action;
		if (!action_decode(json_array_get(actions, i), &action, err) ||
			!prepared_action_init(
				&act->runner.actions[i], &action, agent->frame, screen, err)) {
			return n > 1 ? err_while(err, "action %zu", i + 1) : false;
		}
		act->runner.n++;
		act->has_input |= action_is_input(&action);
	}
	return true;
}

static bool read_request(struct act *act, const struct msg_act *args, struct err *err)
{
	return have_seat(act->queue, err) && read_actions(act, args->actions, err) &&
	       field_decode(observe_fields, args->observe, &act->observe, err) &&
	       observe_check(&act->observe, act->queue->agent->frame, err);
}

static void append(struct act *act)
{
	struct act **at = &act->queue->first;
	while (*at) {
		at = &(*at)->next;
	}
	*at = act;
}

static void run(struct request *req, const void *args)
{
	struct err err = { 0 };
	struct act *act = must(calloc(1, sizeof(*act)));
	act->queue = request_agent(req)->acts;
	act->req = req;
	act->runner =
		(struct action_runner){ .fn = on_runner_end, .data = act, .done = json_array() };
	append(act);
	if (!read_request(act, args, &err)) {
		act_end(act, &err);
		return;
	}
	request_on_cancel(req, on_cancel, act);
	if (!act->has_input || first_with_input(act->queue) == act) {
		act_start(act);
	}
}

const struct op op_act = {
	.message = &message_act,
	.run = run,
};

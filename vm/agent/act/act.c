/*
 * The operation `act`: reads and checks a request, runs its list when its turn comes (act_queue.c),
 * waits until the screen is settled, if requested, and answers (act_answer.c).
 */
#include "vm/agent/act/act_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/x11/settle.h"
#include "vm/agent/x11/windows.h"
#include "vm/wire/messages.h"

/* ---- ends ---- */

void act_free(struct act *act)
{
	act_queue_remove(act);
	action_runner_done(&act->runner);
	if (act->landing) {
		client_sync_free(act->landing);
	}
	if (act->settle) {
		settle_free(act->settle);
	}
	window_shot_free(act->shot);
	act_drop_marks(act);
	json_decref(act->failed);
	free(act);
}

void act_end(struct act *act, const struct err *why)
{
	struct request *req = act->req;
	if (act->running && act->has_input && act->queue->seat) {
		input_release_all(act_input(act));
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

/* ---- observing ---- */

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
	act_answer(act);
}

/* Captures during the quiet time: if nothing else changes, this frame is sent. */
static void on_nearly_settled(void *data)
{
	struct act *act = data;
	struct act_queue *q = act->queue;
	struct frame frame;
	struct observe how;
	struct rect aside;
	struct err ignored; /* the error recurs at the end */
	(void)!(act_wants_image(act, &how, &aside) && !how.of_window && !how.marks_ms &&
		observer_frame(q->seat->observer, act_input(act), &how, q->agent->frame, &frame,
			&ignored));
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
	act_answer(act);
}

static void on_landed(enum client_sync_answer answer, void *data)
{
	(void)answer;
	struct act *act = data;
	client_sync_free(take_ptr(&act->landing));
	input_wm_caught_up(act_input(act));
	look(act);
}

/*
 * While the window manager holds back a click, the pointer appears to stay there, and later moves
 * have no effect yet.
 */
static void land(struct act *act)
{
	struct input *in = act_input(act);
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
		input_release_all(act_input(act));
		const struct msg_failed failed = { (int64_t)act->runner.index,
			err_kind_word(why->kind), why->text };
		act->failed = must(field_encode(msg_failed_fields, &failed));
	}
	land(act);
}

/* ---- the start ---- */

static bool is_stale(
	struct act *act, const struct field_ints *given, struct point at, struct err *err)
{
	return given->count &&
	       changes_in(
		       act->queue->seat->changes, act->since, (struct rect){ at.x, at.y, 1, 1 }) &&
	       !err_set(err, ERR_STATE,
		       "the screen at [%lld, %lld] has changed since frame %lld; no action was "
		       "performed; take a screenshot",
		       (long long)given->at[0], (long long)given->at[1],
		       (long long)act->observe.since);
}

/* Whether all points are as they were in the frame that they refer to. */
static bool check_points(struct act *act, struct err *err)
{
	for (size_t i = 0; i < act->runner.n; i++) {
		const struct prepared_action *a = &act->runner.actions[i];
		if (!action_runner_fits(&act->runner, a, err)) {
			return false;
		}
		if (!act->observe.since) {
			continue;
		}
		if (is_stale(act, &a->action.from, a->from, err) ||
			is_stale(act, &a->action.at, a->at, err)) {
			return false;
		}
	}
	return true;
}

void act_start(struct act *act)
{
	struct display *d = act->queue->seat->display;
	act->running = true;
	act->runner.seat = act->queue->seat;
	act->runner.clipboard = act->queue->agent->clipboard;
	XSync(display_x(d), False); /* earlier changes are not effects of this list */
	display_catch_up(d);
	act->since = act->observe.since ? (uint64_t)act->observe.since : display_frame_id(d);
	act->acted_us = loop_now_us();
	if (!act_find_marks(act)) {
		act_perform(act);
	}
}

void act_perform(struct act *act)
{
	struct display *d = act->queue->seat->display;
	struct err err;
	if (!check_points(act, &err)) {
		act_end(act, &err);
		return;
	}
	if (act->observe.mode == OBSERVE_SETTLED) {
		act->settle = settle_new(d);
	}
	if (act->has_input) {
		act_input(act)->moved = false;
	}
	action_runner_run(&act->runner);
}

/* ---- the request ---- */

/* A point of another size may be outside of this one, which is not what is wrong with it. */
static bool check_frame(const struct act *act, const struct action *action, struct err *err)
{
	const struct agent *agent = act->queue->agent;
	int64_t since = act->observe.since;
	return !since || !action_has_point(action) ||
	       (uint64_t)since >= display_resized_frame(agent->display) ||
	       err_set(err, ERR_STATE,
		       "the display was resized after frame %lld, to %dx%d pixels, so the coordinates no "
		       "longer fit; no action was performed; take a screenshot",
		       (long long)since, agent->screen.width, agent->screen.height);
}

static bool read_actions(struct act *act, const json_t *actions, struct err *err)
{
	struct agent *agent = act->queue->agent;
	size_t n = json_array_size(actions);
	act->runner.screen = display_size(agent->display);
	if ((actions && !json_is_array(actions)) || n > ACTION_LIST_MAX) {
		return err_set(err, ERR_ARGUMENT, "'actions' must be a list of at most %d actions",
			ACTION_LIST_MAX);
	}
	act->runner.actions = must(calloc(n + 1, sizeof(*act->runner.actions)));
	for (size_t i = 0; i < n; i++) {
		struct action action;
		if (!action_decode(json_array_get(actions, i), &action, err) ||
			!check_frame(act, &action, err) ||
			!prepared_action_init(&act->runner.actions[i], &action, agent->frame,
				act->runner.screen, err)) {
			return n > 1 ? err_while(err, "action %zu", i + 1) : false;
		}
		act->runner.n++;
		act->has_input |= action_is_input(&action);
	}
	return true;
}

static bool read_request(struct act *act, const struct msg_act *args, struct err *err)
{
	return act_queue_seat(act->queue, err) &&
	       field_decode(observe_fields, args->observe, &act->observe, err) &&
	       read_actions(act, args->actions, err) &&
	       observe_check(&act->observe, act->queue->agent->frame, err) &&
	       act_check_marks(act, err);
}

static void run(struct request *req, const void *args)
{
	struct err err = { 0 };
	struct act *act = must(calloc(1, sizeof(*act)));
	act->queue = request_agent(req)->acts;
	act->req = req;
	act->runner =
		(struct action_runner){ .fn = on_runner_end, .data = act, .done = json_array() };
	act_queue_add(act);
	if (!read_request(act, args, &err)) {
		act_end(act, &err);
		return;
	}
	request_on_cancel(req, on_cancel, act);
	if (!act->has_input || act_queue_first(act->queue) == act) {
		act_start(act);
	}
}

const struct op op_act = {
	.message = &message_act,
	.run = run,
};

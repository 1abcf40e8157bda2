/*
 * The act operation.  A list goes through its actions one by one, each in three phases: press what
 * is held meanwhile, do it, let go.  A phase is done at once or goes on in the background and
 * resumes the list; nothing waits.  Then the pointer is looked up, the screen observed, and the
 * request answered.
 */
#include "vm/agent/act.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/agent.h"
#include "vm/agent/barrier.h"
#include "vm/agent/hands.h"
#include "vm/agent/pointer.h"
#include "vm/agent/settle.h"
#include "vm/agent/todo.h"
#include "vm/agent/typing.h"

#define WM_MS 250

struct act_args {
	const json_t *actions, *observe;
};

struct act {
	struct act_queue *queue;
	struct act *next;
	struct request *req;
	struct todo *todos;
	size_t n, index;
	enum { CATCH_UP, HOLD, PERFORM, LET_GO } phase;
	bool has_input, running;
	struct observe observe;
	uint64_t first_frame_id, began_us;
	json_t *done, *failed;
	struct settle *settle;
	struct settle_result settled;
	/* what is under way */
	sd_event_source *timer;
	struct typing *typing;
	struct drag *drag;
	struct barrier *barrier;
};

struct act_queue {
	struct agent *agent;
	struct hands *hands; /* of the display that is open now; NULL until used */
	struct display_listener listener;
	struct act *first; /* in the order they came */
	sd_event_source *start;
};

enum progress { NOW, LATER, FAILED };

static void advance(struct act *act);

static struct input *input_of(struct act *act)
{
	return &act->queue->hands->input;
}

/* ---- ends ---- */

static void stop_background(struct act *act)
{
	loop_drop(&act->timer);
	typing_free(take_ptr(&act->typing));
	drag_free(take_ptr(&act->drag));
	barrier_free(take_ptr(&act->barrier));
}

static void act_free(struct act *act)
{
	struct act_queue *q = act->queue;
	for (struct act **at = &q->first; *at; at = &(*at)->next) {
		if (*at == act) {
			*at = act->next;
			break;
		}
	}
	stop_background(act);
	settle_free(act->settle);
	for (size_t i = 0; i < act->n; i++) {
		todo_done(&act->todos[i]);
	}
	free(act->todos);
	json_decref(act->done);
	json_decref(act->failed);
	free(act);
	if (q->start) {
		sd_event_source_set_enabled(q->start, SD_EVENT_ONESHOT);
	}
}

static void act_end(struct act *act, const struct err *why)
{
	struct request *req = act->req;
	stop_background(act);
	if (act->running && act->has_input && act->queue->hands) {
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
	json_t *frame = json_pack("{s:I, s:i, s:i, s:s, s:f}", "frame_id", (json_int_t)f->frame_id,
		"width", f->size.width, "height", f->size.height, "format",
		observe_format_words[f->format], "scale", f->scale);
	if (f->format == FORMAT_JPEG) {
		json_object_set_new(frame, "quality", json_integer(f->quality));
	}
	if (*f->reduced) {
		json_object_set_new(frame, "reduced", json_string(f->reduced));
	}
	return frame;
}

static json_t *describe_moving(struct act *act)
{
	XRectangle rects[SETTLE_RECTS_MAX];
	struct size screen = display_size(act->queue->hands->display);
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
	uint64_t frame_id = display_frame_id(q->hands->display);
	pointer = geometry_to_frame(pointer, q->agent->frame, display_size(q->hands->display));
	json_t *result = json_pack("{s:O, s:[i,i], s:I, s:b}", "done", act->done, "pointer",
		pointer.x, pointer.y, "frame_id", (json_int_t)frame_id, "changed",
		frame_id != act->first_frame_id);
	if (act->failed) {
		json_object_set(result, "failed", act->failed);
	}
	if (act->observe.mode == OBSERVE_SETTLED && !act->failed) {
		json_object_set_new(result, "settled", json_boolean(act->settled.settled));
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
	if (looks && !observer_frame(q->hands->observer, input_of(act), &act->observe,
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
	request_reply(req, result, frame.bytes, frame.len);
}

static void on_settled(const struct settle_result *result, void *data)
{
	struct act *act = data;
	act->settled = *result;
	reply(act);
}

static void look(struct act *act)
{
	if (act->settle && !act->failed) {
		settle_wait(act->settle, act->observe.quiet_ms, act->observe.timeout_ms, on_settled,
			act);
		return;
	}
	reply(act);
}

static void on_landed(enum barrier_answer answer, void *data)
{
	(void)answer;
	struct act *act = data;
	barrier_free(take_ptr(&act->barrier));
	input_wm_caught_up(input_of(act));
	look(act);
}

/*
 * While the window manager holds a click back, the pointer seems to stay where the click was, and
 * moves after it are not done yet.
 */
static void land(struct act *act)
{
	struct input *in = input_of(act);
	struct point at;
	struct err err;
	if (in->moved && input_wm_behind(in, false) && input_pointer(in, &at, &err) &&
		(at.x != in->target.x || at.y != in->target.y)) {
		act->barrier = barrier_window_manager(in->display, WM_MS, on_landed, act);
	}
	if (!act->barrier) {
		look(act);
	}
}

/* ---- one action ---- */

static void fail_action(struct act *act, const struct err *why)
{
	stop_background(act);
	input_release_all(input_of(act));
	act->failed = json_pack("{s:I, s:s, s:s}", "index", (json_int_t)act->index, "kind",
		err_kind_word(why->kind), "text", why->text);
	land(act);
}

static void resume(struct act *act, const struct err *why)
{
	if (why) {
		fail_action(act, why);
		return;
	}
	act->phase++;
	advance(act);
}

static void on_step(const struct err *why, void *data)
{
	resume(data, why);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	resume(data, NULL);
	return 0;
}

static enum progress wait_ms(struct act *act, int64_t ms)
{
	loop_drop(&act->timer);
	act->timer = loop_after_ms(act->queue->agent->event, (uint64_t)ms, on_timer, act);
	return LATER;
}

/* Where the pointer is for whoever acts: the last place it was sent to, or else where it was found.
 */
static bool pointer_now(struct input *in, struct point *ret, struct err *err)
{
	if (in->moved) {
		*ret = in->target;
		return true;
	}
	return input_pointer(in, ret, err);
}

static enum progress move(struct act *act, const struct todo *todo, struct err *err)
{
	struct input *in = input_of(act);
	struct point from;
	if (!in->buttons) {
		input_move(in, todo->at);
		return NOW;
	}
	if (!pointer_now(in, &from, err)) {
		return FAILED;
	}
	act->drag = drag_glide(in, from, todo->at, on_step, act);
	return LATER;
}

static enum progress drag(struct act *act, const struct todo *todo, struct err *err)
{
	struct input *in = input_of(act);
	struct point from = todo->from;
	if (!todo->action.from.count && !pointer_now(in, &from, err)) {
		return FAILED;
	}
	act->drag = drag_start(
		in, from, todo->at, (enum action_button)todo->action.button, on_step, act);
	return LATER;
}

static enum progress perform(struct act *act, const struct todo *todo, struct err *err)
{
	struct hands *hands = act->queue->hands;
	struct input *in = &hands->input;
	const struct action *a = &todo->action;
	if (a->at.count && a->kind != ACTION_MOVE && a->kind != ACTION_DRAG) {
		input_move(in, todo->at);
	}
	switch (a->kind) {
	case ACTION_MOVE:
		return move(act, todo, err);
	case ACTION_CLICK:
		pointer_click(in, (enum action_button)a->button, (int)a->count);
		return NOW;
	case ACTION_BUTTON_DOWN:
	case ACTION_BUTTON_UP:
		input_button(in, pointer_button((enum action_button)a->button),
			a->kind == ACTION_BUTTON_DOWN);
		return NOW;
	case ACTION_DRAG:
		return drag(act, todo, err);
	case ACTION_SCROLL:
		pointer_scroll(in, (enum action_direction)a->direction, (int)a->amount);
		return NOW;
	case ACTION_KEY:
		act->typing = typing_chords(in, hands->keymap, todo->chords, todo->n_chords,
			(int)a->repeat, on_step, act);
		return LATER;
	case ACTION_TYPE:
		act->typing = typing_text(in, hands->keymap, a->text, on_step, act);
		return LATER;
	case ACTION_HOLD_KEY:
	case ACTION_WAIT:
		return wait_ms(act, a->ms);
	case ACTION_KINDS:
		break;
	}
	return NOW;
}

static bool needs_focus(const struct todo *todo)
{
	return todo->held.count || todo->action.kind == ACTION_KEY ||
	       todo->action.kind == ACTION_TYPE;
}

static void on_caught_up(enum barrier_answer answer, void *data)
{
	(void)answer;
	struct act *act = data;
	barrier_free(take_ptr(&act->barrier));
	input_wm_caught_up(input_of(act));
	resume(act, NULL);
}

/*
 * A click moves the focus, and the keys after it must go there: window managers do that in their
 * own time. Keys may move it too (alt+Tab); clicks after clicks are kept in order by the server.
 */
static enum progress catch_up(struct act *act, const struct todo *todo)
{
	struct input *in = input_of(act);
	if (action_is_input(&todo->action) && input_wm_behind(in, !needs_focus(todo))) {
		act->barrier = barrier_window_manager(in->display, WM_MS, on_caught_up, act);
	}
	return act->barrier ? LATER : NOW;
}

static enum progress press_held(struct act *act, const struct todo *todo)
{
	struct hands *hands = act->queue->hands;
	if (!todo->held.count) {
		return NOW;
	}
	act->typing = typing_press(&hands->input, hands->keymap, &todo->held, on_step, act);
	return LATER;
}

static void finish_action(struct act *act, const struct todo *todo)
{
	int64_t ms = (int64_t)(loop_now_us() - act->began_us) / 1000;
	json_t *done = json_pack("{s:I}", "ms", (json_int_t)ms);
	if (todo->held.count) {
		input_release_keys(input_of(act));
	}
	if (act->typing && todo->action.kind == ACTION_TYPE) {
		json_object_set_new(done, "chars", json_integer(typing_done_count(act->typing)));
	}
	json_array_append_new(act->done, done);
	stop_background(act);
	act->index++;
	act->phase = CATCH_UP;
}

static enum progress run_phase(struct act *act, const struct todo *todo, struct err *err)
{
	switch (act->phase) {
	case CATCH_UP:
		act->began_us = loop_now_us();
		return catch_up(act, todo);
	case HOLD:
		return press_held(act, todo);
	default:
		typing_free(take_ptr(&act->typing));
		return perform(act, todo, err);
	}
}

/* Goes on from act->phase of the action at act->index, until something takes time or all is done.
 */
static void advance(struct act *act)
{
	while (act->index < act->n) {
		const struct todo *todo = &act->todos[act->index];
		struct err err;
		if (act->phase == LET_GO) {
			finish_action(act, todo);
			continue;
		}
		enum progress progress = run_phase(act, todo, &err);
		if (progress == LATER) {
			return;
		}
		if (progress == FAILED) {
			fail_action(act, &err);
			return;
		}
		act->phase++;
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
	display_unlisten(q->hands->display, &q->listener);
	while (q->first) {
		act_end(q->first, &away);
	}
	hands_free(take_ptr(&q->hands));
}

static bool have_hands(struct act_queue *q, struct err *err)
{
	struct display *d = q->agent->display;
	if (!d || display_is_lost(d)) {
		return err_set(
			err, ERR_STATE, "the X server is being restarted; try again in a second");
	}
	if (q->hands) {
		return true;
	}
	q->hands = hands_new(d, err);
	if (!q->hands) {
		return false;
	}
	q->listener = (struct display_listener){ .closing = on_closing, .data = q };
	display_listen(d, &q->listener);
	return true;
}

static void act_start(struct act *act)
{
	struct display *d = act->queue->hands->display;
	act->running = true;
	display_catch_up(d);
	act->first_frame_id = display_frame_id(d);
	if (act->observe.mode == OBSERVE_SETTLED) {
		act->settle = settle_new(d);
	}
	if (act->has_input) {
		input_of(act)->moved = false;
	}
	advance(act);
}

/* The list that has the input lock, or is to have it next. */
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
	err_set(&why, ERR_GONE, "the agent is ending");
	while (q->first) {
		act_end(q->first, &why);
	}
	if (q->hands) {
		display_unlisten(q->hands->display, &q->listener);
		hands_free(q->hands);
	}
	free(q);
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
	act->todos = must(calloc(n + 1, sizeof(*act->todos)));
	for (size_t i = 0; i < n; i++) {
		struct action action;
		if (!action_decode(json_array_get(actions, i), &action, err) ||
			!todo_init(&act->todos[i], &action, agent->frame, screen, err)) {
			return n > 1 ? err_while(err, "action %zu", i + 1) : false;
		}
		act->n++;
		act->has_input |= action_is_input(&action);
	}
	return true;
}

static bool read_request(struct act *act, const struct act_args *args, struct err *err)
{
	return have_hands(act->queue, err) && read_actions(act, args->actions, err) &&
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
	act->done = json_array();
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

static const struct field act_fields[] = {
	FIELD_JSON(struct act_args, actions, "What to do, in order."),
	FIELD_JSON(struct act_args, observe, "What to look at afterwards."),
	{ .name = NULL },
};

const struct op op_act = {
	.name = "act",
	.fields = act_fields,
	.args_size = sizeof(struct act_args),
	.run = run,
};

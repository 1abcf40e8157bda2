/*
 * A list goes through its actions one by one, each in five phases: let the window manager catch up,
 * keep the pace of earlier presses, press what is held meanwhile, do it, let go.  A phase is done
 * at once or goes on in the background and resumes the list; nothing waits.
 */
#include "vm/agent/act/action_runner.h"

#include "base/cleanup.h"
#include "base/loop.h"

enum { CATCH_UP, KEEP_PACE, HOLD, PERFORM, LET_GO };
enum progress { NOW, LATER, FAILED };

static void stop(struct list *list)
{
	loop_drop(&list->timer);
	typing_free(take_ptr(&list->typing));
	clicks_free(take_ptr(&list->clicks));
	drag_free(take_ptr(&list->drag));
	client_sync_free(take_ptr(&list->sync));
}

void list_done(struct list *list)
{
	stop(list);
	for (size_t i = 0; i < list->n; i++) {
		todo_done(&list->todos[i]);
	}
	free(list->todos);
	json_decref(list->done);
}

static void finish(struct list *list, const struct err *why)
{
	stop(list);
	list->fn(why, list->data);
}

static void resume(struct list *list, const struct err *why)
{
	if (why) {
		finish(list, why);
		return;
	}
	list->phase++;
	list_run(list);
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

static enum progress wait_ms(struct list *list, int64_t ms)
{
	loop_drop(&list->timer);
	list->timer =
		loop_after_ms(display_loop(list->hands->display), (uint64_t)ms, on_timer, list);
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

static enum progress move(struct list *list, const struct todo *todo, struct err *err)
{
	struct input *in = &list->hands->input;
	struct point from;
	if (!in->buttons) {
		input_move(in, todo->at);
		return NOW;
	}
	if (!pointer_now(in, &from, err)) {
		return FAILED;
	}
	list->drag = drag_glide(in, from, todo->at, on_step, list);
	return LATER;
}

static enum progress drag(struct list *list, const struct todo *todo, struct err *err)
{
	struct input *in = &list->hands->input;
	struct point from = todo->from;
	if (!todo->action.from.count && !pointer_now(in, &from, err)) {
		return FAILED;
	}
	list->drag = drag_start(
		in, from, todo->at, (enum action_button)todo->action.button, on_step, list);
	return LATER;
}

static enum progress perform(struct list *list, const struct todo *todo, struct err *err)
{
	struct hands *hands = list->hands;
	struct input *in = &hands->input;
	const struct action *a = &todo->action;
	if (a->at.count && a->kind != ACTION_MOVE && a->kind != ACTION_DRAG) {
		input_move(in, todo->at);
	}
	switch (a->kind) {
	case ACTION_MOVE:
		return move(list, todo, err);
	case ACTION_CLICK:
		list->clicks = clicks_start(
			in, (enum action_button)a->button, (int)a->count, on_step, list);
		return LATER;
	case ACTION_BUTTON_DOWN:
	case ACTION_BUTTON_UP:
		input_button(in, pointer_button((enum action_button)a->button),
			a->kind == ACTION_BUTTON_DOWN);
		return NOW;
	case ACTION_DRAG:
		return drag(list, todo, err);
	case ACTION_SCROLL:
		pointer_scroll(in, (enum action_direction)a->direction, (int)a->amount);
		return NOW;
	case ACTION_KEY:
		list->typing = typing_chords(in, hands->keymap, todo->chords, todo->n_chords,
			(int)a->repeat, on_step, list);
		return LATER;
	case ACTION_TYPE:
		list->typing = typing_text(in, hands->keymap, a->text, on_step, list);
		return LATER;
	case ACTION_HOLD_KEY:
	case ACTION_WAIT:
		return wait_ms(list, a->ms);
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

/* Keys without a window are not refused, as text is: the desktop has shortcuts of its own. */
static void look_for_focus(struct list *list, const struct todo *todo)
{
	bool presses = todo->action.kind == ACTION_KEY || todo->action.kind == ACTION_HOLD_KEY;
	struct display *d = list->hands->display;
	list->unfocused = presses && !display_is_lost(d) && !client_sync_has_focus(d);
}

static void on_caught_up(enum client_sync_answer answer, void *data)
{
	(void)answer;
	struct list *list = data;
	client_sync_free(take_ptr(&list->sync));
	input_wm_caught_up(&list->hands->input);
	resume(list, NULL);
}

static bool moves_pointer(const struct todo *todo)
{
	return todo->action.at.count || todo->action.from.count;
}

/*
 * A click moves the focus, and the keys after it must go there: window managers do that in their
 * own time. Keys may move it too (alt+Tab). Clicks after clicks are kept in order by the server,
 * but not always in place: see input_press_waits().
 */
static enum progress catch_up(struct list *list, const struct todo *todo)
{
	struct input *in = &list->hands->input;
	bool behind = input_wm_behind(in, !needs_focus(todo)) ||
		      (moves_pointer(todo) && input_press_waits(in));
	if (action_is_input(&todo->action) && behind) {
		list->sync = client_sync_window_manager(in->display, on_caught_up, list);
	}
	return list->sync ? LATER : NOW;
}

/* Where the action presses its button. */
static bool press_point(
	struct input *in, const struct todo *todo, struct point *ret_at, struct err *err)
{
	bool drags = todo->action.kind == ACTION_DRAG;
	if (drags ? todo->action.from.count : todo->action.at.count) {
		*ret_at = drags ? todo->from : todo->at;
		return true;
	}
	return pointer_now(in, ret_at, err);
}

static enum progress keep_pace(struct list *list, const struct todo *todo, struct err *err)
{
	struct input *in = &list->hands->input;
	uint64_t now = loop_now_us(), due = 0;
	struct point at;
	switch (todo->action.kind) {
	case ACTION_CLICK:
	case ACTION_DRAG:
	case ACTION_BUTTON_DOWN:
		if (!press_point(in, todo, &at, err)) {
			return FAILED;
		}
		due = input_press_due(
			in, pointer_button((enum action_button)todo->action.button), at);
		in->pressed_at = at;
		break;
	case ACTION_BUTTON_UP:
		due = input_release_due(in);
		break;
	default:
		break;
	}
	return due > now ? wait_ms(list, (int64_t)(due - now + 999) / 1000) : NOW;
}

static enum progress press_held(struct list *list, const struct todo *todo)
{
	struct hands *hands = list->hands;
	if (!todo->held.count) {
		return NOW;
	}
	list->typing = typing_press(&hands->input, hands->keymap, &todo->held, on_step, list);
	return LATER;
}

static void finish_action(struct list *list, const struct todo *todo)
{
	int64_t ms = (int64_t)(loop_now_us() - list->began_us) / 1000;
	json_t *done = json_pack("{s:I}", "ms", (json_int_t)ms);
	if (todo->held.count) {
		input_release_keys(&list->hands->input);
	}
	if (list->typing && todo->action.kind == ACTION_TYPE) {
		json_object_set_new(done, "chars", json_integer(typing_done_count(list->typing)));
	}
	if (list->unfocused) {
		json_object_set_new(done, "unfocused", json_true());
	}
	json_array_append_new(list->done, done);
	stop(list);
	list->index++;
	list->phase = CATCH_UP;
}

static enum progress run_phase(struct list *list, const struct todo *todo, struct err *err)
{
	switch (list->phase) {
	case CATCH_UP:
		list->began_us = loop_now_us();
		return catch_up(list, todo);
	case KEEP_PACE:
		return keep_pace(list, todo, err);
	case HOLD:
		look_for_focus(list, todo);
		return press_held(list, todo);
	default:
		typing_free(take_ptr(&list->typing));
		return perform(list, todo, err);
	}
}

/* Goes on from list->phase of the action at list->index, until something takes time or all is done.
 */
void list_run(struct list *list)
{
	while (list->index < list->n) {
		const struct todo *todo = &list->todos[list->index];
		struct err err;
		if (list->phase == LET_GO) {
			finish_action(list, todo);
			continue;
		}
		enum progress progress = run_phase(list, todo, &err);
		if (progress == LATER) {
			return;
		}
		if (progress == FAILED) {
			finish(list, &err);
			return;
		}
		list->phase++;
	}
	finish(list, NULL);
}

/*
 * Runs actions one by one, each in five phases: wait for the window manager, wait for the press
 * timing, press held keys, perform the action, release.  A phase completes immediately or continues
 * in the background and then resumes the runner; nothing blocks.
 */
#include "vm/agent/act/action_runner.h"
#include "vm/agent/act/strokes.h"
#include "vm/wire/messages.h"

#include "base/cleanup.h"
#include "base/loop.h"

enum { CATCH_UP, KEEP_PACE, HOLD, PERFORM, LET_GO };
enum progress { NOW, LATER, FAILED };

static void stop_typing(struct action_runner *runner)
{
	if (runner->typing) {
		typing_free(take_ptr(&runner->typing));
	}
}

static void stop(struct action_runner *runner)
{
	loop_drop(&runner->timer);
	stop_typing(runner);
	clicks_free(take_ptr(&runner->clicks));
	drag_free(take_ptr(&runner->drag));
	if (runner->paste) {
		paste_free(take_ptr(&runner->paste));
	}
	if (runner->sync) {
		client_sync_free(take_ptr(&runner->sync));
	}
}

void action_runner_done(struct action_runner *runner)
{
	stop(runner);
	for (size_t i = 0; i < runner->n; i++) {
		prepared_action_done(&runner->actions[i]);
	}
	free(runner->actions);
	json_decref(runner->done);
}

static void finish(struct action_runner *runner, const struct err *why)
{
	stop(runner);
	runner->fn(why, runner->data);
}

static void resume(struct action_runner *runner, const struct err *why)
{
	if (why) {
		finish(runner, why);
		return;
	}
	runner->phase++;
	action_runner_run(runner);
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

static enum progress wait_ms(struct action_runner *runner, int64_t ms)
{
	loop_drop(&runner->timer);
	runner->timer =
		loop_after_ms(display_loop(runner->seat->display), (uint64_t)ms, on_timer, runner);
	return LATER;
}

/* The pointer position: where it was last sent, or otherwise where it was found. */
static bool pointer_now(struct input *in, struct point *ret, struct err *err)
{
	if (in->moved) {
		*ret = in->target;
		return true;
	}
	return input_pointer(in, ret, err);
}

static enum progress move(
	struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	struct input *in = &runner->seat->input;
	struct point from;
	if (!in->buttons) {
		input_move(in, prepared->at);
		return NOW;
	}
	if (!pointer_now(in, &from, err)) {
		return FAILED;
	}
	runner->drag = drag_glide(in, from, prepared->at, on_step, runner);
	return LATER;
}

static enum progress drag(
	struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	struct input *in = &runner->seat->input;
	struct point from = prepared->from;
	if (!prepared->action.from.count && !pointer_now(in, &from, err)) {
		return FAILED;
	}
	runner->drag = drag_start(in, from, prepared->at,
		(enum action_button)prepared->action.button, on_step, runner);
	return LATER;
}

static enum progress paste(
	struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	if (!runner->clipboard) {
		(void)display_is_restarting(err);
		return FAILED;
	}
	runner->paste =
		paste_start(runner->seat, runner->clipboard, prepared, on_step, runner, err);
	return runner->paste ? LATER : FAILED;
}

/* They have been pressed before, to be held; otherwise they are released. */
static void hold_keys(struct seat *seat, const struct chord *chord, bool held)
{
	struct key key;
	for (int i = 0; i < chord->count; i++) {
		if (keymap_find(seat->keymap, chord->keys[i], &key)) {
			input_hold_key(&seat->input, key.code, held);
		}
	}
	input_sync_keys(&seat->input);
}

bool action_runner_fits(
	const struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	struct size now = display_size(runner->seat->display);
	return !action_has_point(&prepared->action) || size_equal(now, runner->screen) ||
	       err_set(err, ERR_STATE,
		       "the display was resized from %dx%d to %dx%d pixels, so the coordinates no longer "
		       "fit; take a screenshot",
		       runner->screen.width, runner->screen.height, now.width, now.height);
}

static enum progress perform(
	struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	struct seat *seat = runner->seat;
	struct input *in = &seat->input;
	const struct action *a = &prepared->action;
	if (!action_runner_fits(runner, prepared, err)) {
		return FAILED;
	}
	if (a->at.count && a->kind != ACTION_MOVE && a->kind != ACTION_DRAG) {
		input_move(in, prepared->at);
	}
	switch (a->kind) {
	case ACTION_MOVE:
		return move(runner, prepared, err);
	case ACTION_CLICK:
		runner->clicks = clicks_start(
			in, (enum action_button)a->button, (int)a->count, on_step, runner);
		return LATER;
	case ACTION_BUTTON_DOWN:
	case ACTION_BUTTON_UP:
		input_button(in, pointer_button((enum action_button)a->button),
			a->kind == ACTION_BUTTON_DOWN);
		return NOW;
	case ACTION_DRAG:
		return drag(runner, prepared, err);
	case ACTION_SCROLL:
		pointer_scroll(in, (enum action_direction)a->direction, (int)a->amount);
		return NOW;
	case ACTION_KEY:
		runner->typing = typing_chords(in, seat->keymap, prepared->chords,
			prepared->n_chords, (int)a->repeat, on_step, runner);
		return LATER;
	case ACTION_TYPE:
		runner->typing = typing_text(in, seat->keymap, a->text, on_step, runner);
		return LATER;
	case ACTION_PASTE:
		return paste(runner, prepared, err);
	case ACTION_KEY_DOWN:
	case ACTION_KEY_UP:
		hold_keys(seat, &prepared->held, a->kind == ACTION_KEY_DOWN);
		return NOW;
	case ACTION_HOLD_KEY:
	case ACTION_WAIT:
		return wait_ms(runner, a->ms);
	case ACTION_KINDS:
		break;
	}
	return NOW;
}

static bool needs_focus(const struct prepared_action *prepared)
{
	return prepared->held.count || prepared->action.kind == ACTION_KEY ||
	       prepared->action.kind == ACTION_TYPE || prepared->action.kind == ACTION_PASTE;
}

/* Without a focused window, keys are not refused like text, because the desktop has shortcuts. */
static void look_for_focus(struct action_runner *runner, const struct prepared_action *prepared)
{
	enum action_kind kind = prepared->action.kind;
	bool presses = kind == ACTION_KEY || kind == ACTION_HOLD_KEY || kind == ACTION_KEY_DOWN;
	struct display *d = runner->seat->display;
	runner->unfocused = presses && !display_is_lost(d) && !client_sync_has_focus(d);
}

static void on_caught_up(enum client_sync_answer answer, void *data)
{
	(void)answer;
	struct action_runner *runner = data;
	client_sync_free(take_ptr(&runner->sync));
	input_wm_caught_up(&runner->seat->input);
	resume(runner, NULL);
}

/*
 * A click moves the focus, and the following keys must reach the new window, but window managers
 * act asynchronously.  Keys may move the focus, too (alt+Tab). The server keeps clicks after clicks
 * in order, but not always in place: see input_press_waits().
 */
static enum progress catch_up(struct action_runner *runner, const struct prepared_action *prepared)
{
	struct input *in = &runner->seat->input;
	bool behind = input_wm_behind(in, !needs_focus(prepared)) ||
		      (action_has_point(&prepared->action) && input_press_waits(in));
	if (action_is_input(&prepared->action) && behind) {
		runner->sync = client_sync_window_manager(in->display, on_caught_up, runner);
	}
	return runner->sync ? LATER : NOW;
}

/* Where the action presses its button. */
static bool press_point(struct input *in, const struct prepared_action *prepared,
	struct point *ret_at, struct err *err)
{
	bool drags = prepared->action.kind == ACTION_DRAG;
	if (drags ? prepared->action.from.count : prepared->action.at.count) {
		*ret_at = drags ? prepared->from : prepared->at;
		return true;
	}
	return pointer_now(in, ret_at, err);
}

static enum progress keep_pace(
	struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	struct input *in = &runner->seat->input;
	uint64_t now = loop_now_us(), due = 0;
	struct point at;
	switch (prepared->action.kind) {
	case ACTION_CLICK:
	case ACTION_DRAG:
	case ACTION_BUTTON_DOWN:
		if (!press_point(in, prepared, &at, err)) {
			return FAILED;
		}
		due = input_press_due(
			in, pointer_button((enum action_button)prepared->action.button), at);
		in->pressed_at = at;
		break;
	case ACTION_BUTTON_UP:
		due = input_release_due(in);
		break;
	default:
		break;
	}
	return due > now ? wait_ms(runner, (int64_t)(due - now + 999) / 1000) : NOW;
}

static enum progress press_held(
	struct action_runner *runner, const struct prepared_action *prepared)
{
	struct seat *seat = runner->seat;
	if (!prepared->held.count || prepared->action.kind == ACTION_KEY_UP) {
		return NOW;
	}
	runner->typing = typing_press(&seat->input, seat->keymap, &prepared->held, on_step, runner);
	return LATER;
}

static void finish_action(struct action_runner *runner, const struct prepared_action *prepared)
{
	bool typed = runner->typing && prepared->action.kind == ACTION_TYPE;
	const struct msg_done done = {
		.ms = (int64_t)(loop_now_us() - runner->began_us) / 1000,
		.chars = typed           ? typing_done_count(runner->typing)
			 : runner->paste ? strokes_count(prepared->action.text)
					 : 0,
		.unfocused = runner->unfocused,
		.note = runner->paste ? paste_note(runner->paste) : NULL,
	};
	if (prepared->held.count) {
		input_release_keys(&runner->seat->input);
	}
	json_array_append_new(runner->done, must(field_encode(msg_done_fields, &done)));
	stop(runner);
	runner->index++;
	runner->phase = CATCH_UP;
}

static enum progress run_phase(
	struct action_runner *runner, const struct prepared_action *prepared, struct err *err)
{
	switch (runner->phase) {
	case CATCH_UP:
		runner->began_us = loop_now_us();
		return catch_up(runner, prepared);
	case KEEP_PACE:
		return keep_pace(runner, prepared, err);
	case HOLD:
		look_for_focus(runner, prepared);
		return press_held(runner, prepared);
	default:
		stop_typing(runner);
		return perform(runner, prepared, err);
	}
}

/* Continues with runner->phase of the action at runner->index, until a phase takes time or all are
 * done. */
void action_runner_run(struct action_runner *runner)
{
	while (runner->index < runner->n) {
		const struct prepared_action *prepared = &runner->actions[runner->index];
		struct err err;
		if (runner->phase == LET_GO) {
			finish_action(runner, prepared);
			continue;
		}
		enum progress progress = run_phase(runner, prepared, &err);
		if (progress == LATER) {
			return;
		}
		if (progress == FAILED) {
			finish(runner, &err);
			return;
		}
		runner->phase++;
	}
	finish(runner, NULL);
}

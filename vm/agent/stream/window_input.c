/*
 * The gate of the window's viewer: an event passes when the server, held still for that moment, says
 * that it would arrive where it belongs.  So no window that comes in between ever gets what was not
 * meant for it.
 */
#include "vm/agent/stream/window_input.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/user_input.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/x11/window_group.h"
#include "vm/agent/x11/window_state.h"

#define PATIENCE_MS 5000 /* for the window to come up */

struct window_input {
	struct agent *agent;
	struct display *display;
	struct window_capture *capture;
	struct user_input *input;
	sd_event_source *patience; /* set while the window is asked to come up */
};

/* ---- may it pass?  The server is held still. ---- */

/* A menu of another program may hold the keyboard, whatever has the focus. */
static bool is_keyboard_taken(struct window_input *in)
{
	struct display *d = in->display;
	if (!window_group_has_stranger(d, window_capture_window(in->capture))) {
		return false;
	}
	int status = XGrabKeyboard(
		display_x(d), display_helper(d), False, GrabModeAsync, GrabModeAsync, CurrentTime);
	if (status == GrabSuccess) {
		XUngrabKeyboard(display_x(d), CurrentTime);
	}
	return status == AlreadyGrabbed;
}

static bool has_focus(struct window_input *in)
{
	return window_capture_holds(in->capture, display_focus(in->display)) &&
	       !is_keyboard_taken(in);
}

static struct point on_screen(struct point origin, struct point at)
{
	return (struct point){ origin.x + at.x, origin.y + at.y };
}

/* A drag that began inside goes wherever it likes, as every drag does. */
static bool is_reachable(struct window_input *in, const struct user_event *event)
{
	struct point origin;
	if (!window_capture_origin(in->capture, &origin)) {
		return false;
	}
	return user_input_buttons(in->input) ||
	       window_capture_owns(
		       in->capture, window_group_at(in->display, on_screen(origin, event->at)));
}

/* Releases always pass; they find only what did go down. */
static bool may_pass(struct window_input *in, const struct user_event *event)
{
	if (event->is_key) {
		return !event->down || has_focus(in);
	}
	return is_reachable(in, event);
}

/* ---- when it may not ---- */

/* Nothing has to come up for what only points, and nothing can where the window is not. */
static bool is_in_vain(const struct window_input *in, const struct user_event *event)
{
	struct point origin;
	if (event->is_key || user_input_buttons(in->input)) {
		return false;
	}
	return event->buttons == 0 ||
	       (window_capture_origin(in->capture, &origin) &&
		       !window_capture_is_at(in->capture, on_screen(origin, event->at)));
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct window_input *in = data;
	(void)source;
	(void)usec;
	loop_drop(&in->patience);
	user_input_forget_presses(in->input);
	user_input_retry(in->input);
	return 0;
}

static enum user_input_verdict filter(struct user_event *event, void *data)
{
	struct window_input *in = data;
	struct point origin;
	if (may_pass(in, event)) {
		loop_drop(&in->patience);
		if (!event->is_key && window_capture_origin(in->capture, &origin)) {
			event->at = on_screen(origin, event->at);
		}
		return USER_INPUT_PASS;
	}
	if (is_in_vain(in, event)) {
		return USER_INPUT_DROP;
	}
	if (!in->patience) {
		in->patience = loop_after_ms(in->agent->event, PATIENCE_MS, on_patience_over, in);
		window_ask_focus(in->display, window_capture_window(in->capture));
	}
	return USER_INPUT_WAIT;
}

void window_input_retry(struct window_input *in)
{
	user_input_retry(in->input);
}

void window_input_pointer(struct window_input *in, struct point at, unsigned buttons)
{
	user_input_pointer(in->input, at, buttons);
}

void window_input_key(struct window_input *in, uint32_t keysym, bool down)
{
	user_input_key(in->input, keysym, down);
}

bool window_input_is_full(struct window_input *in)
{
	return user_input_is_full(in->input);
}

void window_input_on_room(struct window_input *in, void (*fn)(void *data), void *data)
{
	user_input_on_room(in->input, fn, data);
}

/* ---- life ---- */

struct window_input *window_input_new(struct agent *agent, struct window_capture *capture)
{
	struct window_input *in = must(calloc(1, sizeof(*in)));
	in->agent = agent;
	in->display = agent->display;
	in->capture = capture;
	in->input = user_input_new(agent, filter, in);
	return in;
}

void window_input_free(struct window_input *in)
{
	if (in) {
		user_input_free(in->input);
		loop_drop(&in->patience);
		free(in);
	}
}

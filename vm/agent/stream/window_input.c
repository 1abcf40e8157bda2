/*
 * A queue.  Its first event passes when the server, held still for that moment, says that it would
 * arrive where it belongs: so no window that comes in between ever gets what was not meant for it.
 */
#include "vm/agent/stream/window_input.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/x11/keys.h"
#include "vm/agent/x11/window_group.h"

#include <X11/keysym.h>
#include <string.h>

#define QUEUE_MAX 256
#define PATIENCE_MS 5000 /* for the window to come up */
#define HELD_MAX 32
#define BUTTONS 8

struct event {
	bool is_key, down;
	uint32_t keysym;
	struct point at;
	unsigned buttons;
};

struct held {
	uint32_t keysym;
	KeyCode code;
};

struct window_input {
	struct agent *agent;
	struct window_capture *capture;
	struct input input;
	struct event queue[QUEUE_MAX];
	size_t n;
	struct held held[HELD_MAX];
	size_t n_held;
	unsigned buttons; /* as they were passed on */
	bool activating;
	sd_event_source *patience;
};

static struct display *display_of(struct window_input *in)
{
	return in->input.display;
}

/* ---- may it pass?  The server is held still. ---- */

static Window child_at(struct display *d, struct point at)
{
	Window child = None;
	int x, y;
	XTranslateCoordinates(
		display_x(d), display_root(d), display_root(d), at.x, at.y, &x, &y, &child);
	return child;
}

/* A menu of another program may hold the keyboard, whatever has the focus. */
static bool is_keyboard_taken(struct window_input *in)
{
	struct display *d = display_of(in);
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
	Window focus;
	int revert;
	XGetInputFocus(display_x(display_of(in)), &focus, &revert);
	return window_capture_holds(in->capture, focus) && !is_keyboard_taken(in);
}

static struct point on_screen(struct point origin, struct point at)
{
	return (struct point){ origin.x + at.x, origin.y + at.y };
}

/* A drag that began inside goes wherever it likes, as every drag does. */
static bool is_reachable(struct window_input *in, const struct event *event)
{
	struct point origin;
	if (!window_capture_origin(in->capture, &origin)) {
		return false;
	}
	return in->buttons || window_capture_owns(in->capture,
				      child_at(display_of(in), on_screen(origin, event->at)));
}

/* Releases always pass; they find only what did go down. */
static bool may_pass(struct window_input *in, const struct event *event)
{
	if (event->is_key) {
		return !event->down || has_focus(in);
	}
	return is_reachable(in, event);
}

/* ---- keys ---- */

static void release(struct window_input *in, uint32_t keysym)
{
	for (size_t i = 0; i < in->n_held; i++) {
		if (in->held[i].keysym == keysym) {
			input_key(&in->input, in->held[i].code, false);
			in->held[i] = in->held[--in->n_held];
			return;
		}
	}
}

static bool find_key(struct keymap *map, uint32_t keysym, struct key *ret)
{
	struct err ignored;
	if (!keymap_refresh(map, &ignored)) {
		return false;
	}
	if (keymap_find(map, keysym, ret)) {
		return true;
	}
	if (!keymap_assign(map, keysym, ret)) {
		keymap_caught_up(map); /* people are slower than programs */
		if (!keymap_assign(map, keysym, ret)) {
			return false;
		}
	}
	keymap_apply(map);
	return true;
}

/* Viewers press Shift themselves, and name what the key then gives; with another layout, or Caps
 * Lock, the two do not fit. */
static bool wants_other_shift(
	const struct window_input *in, KeyCode shift, uint32_t keysym, struct key key)
{
	return shift && keys_to_char(keysym) > ' ' && in->input.keys[shift] != key.shift;
}

static void press(struct window_input *in, struct keymap *map, uint32_t keysym)
{
	struct key key, shift;
	if (in->n_held == HELD_MAX || !find_key(map, keysym, &key)) {
		return;
	}
	KeyCode shift_code = keymap_find(map, XK_Shift_L, &shift) ? shift.code : 0;
	bool other = wants_other_shift(in, shift_code, keysym, key);
	bool held = in->input.keys[shift_code];
	if (other) {
		input_key(&in->input, shift_code, !held);
	}
	if (in->input.keys[key.code]) { /* a key that repeats */
		release(in, keysym);
	}
	keymap_used(map, key.code);
	input_key(&in->input, key.code, true);
	in->held[in->n_held++] = (struct held){ keysym, key.code };
	if (other) {
		input_key(&in->input, shift_code, held);
	}
}

static void pass_key(struct window_input *in, const struct event *event)
{
	struct err ignored;
	struct seat *seat = act_queue_seat(in->agent->acts, &ignored);
	if (!event->down) {
		release(in, event->keysym);
	} else if (seat) {
		press(in, seat->keymap, event->keysym);
	}
}

/* ---- the pointer ---- */

static void pass_pointer(struct window_input *in, const struct event *event)
{
	struct point origin;
	if (!window_capture_origin(in->capture, &origin)) {
		return;
	}
	input_move(&in->input, on_screen(origin, event->at));
	for (int i = 0; i < BUTTONS; i++) {
		unsigned bit = 1u << i;
		if ((in->buttons ^ event->buttons) & bit) {
			input_button(&in->input, i + 1, event->buttons & bit);
		}
	}
	in->buttons = event->buttons;
}

/* ---- the queue ---- */

static void drop_first(struct window_input *in, size_t n)
{
	in->n -= n;
	memmove(in->queue, in->queue + n, in->n * sizeof(*in->queue));
}

/* Nothing has to come up for what only points, and nothing can where the window is not. */
static bool is_in_vain(const struct window_input *in, const struct event *event)
{
	struct point origin;
	if (event->is_key || in->buttons) {
		return false;
	}
	return event->buttons == 0 ||
	       (window_capture_origin(in->capture, &origin) &&
		       !window_capture_is_at(in->capture, on_screen(origin, event->at)));
}

static void activate(struct window_input *in)
{
	struct display *d = display_of(in);
	Display *x = display_x(d);
	XEvent event = { .xclient = { .type = ClientMessage,
				 .window = window_capture_window(in->capture),
				 .message_type = XInternAtom(x, "_NET_ACTIVE_WINDOW", False),
				 .format = 32,
				 .data.l = { 2, CurrentTime } } };
	XSendEvent(x, display_root(d), False, SubstructureNotifyMask | SubstructureRedirectMask,
		&event);
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct window_input *in = data;
	(void)source;
	(void)usec;
	loop_drop(&in->patience);
	in->activating = false;
	/* Releases are still wanted. */
	size_t kept = 0;
	for (size_t i = 0; i < in->n; i++) {
		if (in->queue[i].is_key && !in->queue[i].down) {
			in->queue[kept++] = in->queue[i];
		}
	}
	in->n = kept;
	window_input_retry(in);
	return 0;
}

static void wait_for_window(struct window_input *in)
{
	if (!in->activating) {
		in->activating = true;
		in->patience = loop_after_ms(in->agent->event, PATIENCE_MS, on_patience_over, in);
		activate(in);
	}
}

static void settle(struct window_input *in)
{
	in->activating = false;
	loop_drop(&in->patience);
}

void window_input_retry(struct window_input *in)
{
	struct display *d = display_of(in);
	bool passes = true;
	if (in->n == 0 || display_is_lost(d)) {
		return;
	}
	XGrabServer(display_x(d));
	while (in->n > 0 && passes && !display_is_lost(d)) {
		struct event event = in->queue[0];
		passes = may_pass(in, &event);
		if (passes) {
			(event.is_key ? pass_key : pass_pointer)(in, &event);
		}
		if (passes || is_in_vain(in, &event)) {
			passes = true;
			drop_first(in, 1);
		}
	}
	XUngrabServer(display_x(d));
	XFlush(display_x(d));
	if (in->n > 0) {
		wait_for_window(in);
	} else {
		settle(in);
	}
}

/* More than anybody means: all of it is dropped, what is held down too. */
static void forget(struct window_input *in)
{
	in->n = in->n_held = 0;
	in->buttons = 0;
	input_release_all(&in->input);
	settle(in);
}

/* Of moves that wait behind each other the last one counts. */
static void push(struct window_input *in, const struct event *event)
{
	struct event *last = in->n > 0 ? &in->queue[in->n - 1] : NULL;
	if (last && !last->is_key && !event->is_key && last->buttons == event->buttons) {
		*last = *event;
	} else if (in->n < QUEUE_MAX) {
		in->queue[in->n++] = *event;
	} else {
		forget(in);
	}
	if (!in->activating) {
		window_input_retry(in);
	}
}

void window_input_pointer(struct window_input *in, struct point at, unsigned buttons)
{
	struct event event = { .buttons = buttons & ((1u << BUTTONS) - 1), .at = at };
	push(in, &event);
}

void window_input_key(struct window_input *in, uint32_t keysym, bool down)
{
	struct event event = { .is_key = true, .down = down, .keysym = keysym };
	push(in, &event);
}

/* ---- life ---- */

struct window_input *window_input_new(struct agent *agent, struct window_capture *capture)
{
	struct window_input *in = must(calloc(1, sizeof(*in)));
	in->agent = agent;
	in->capture = capture;
	in->input.display = agent->display;
	return in;
}

void window_input_free(struct window_input *in)
{
	if (in) {
		input_release_all(&in->input);
		loop_drop(&in->patience);
		free(in);
	}
}

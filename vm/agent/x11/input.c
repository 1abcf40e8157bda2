/* XTest.  Requests are sent without waiting, except those followed by a pause, which starts when
 * the server has processed them. */
#include "vm/agent/x11/input.h"

#include "base/loop.h"

#include <X11/extensions/XTest.h>
#include <stdlib.h>
#include <string.h>

#define WM_SLOWEST_US 2000000

void input_move(struct input *in, struct point at)
{
	if (display_is_lost(in->display)) {
		return; /* requests to a lost display only accumulate */
	}
	if (at.x != in->target.x || at.y != in->target.y) {
		in->presses_here = 0;
	}
	in->moved = true;
	in->target = at;
	XTestFakeMotionEvent(display_x(in->display), -1, at.x, at.y, CurrentTime);
}

/* A busy server processes a request, and stamps its event, long after it was sent. */
static void sync_server(struct input *in)
{
	if (!display_is_lost(in->display)) {
		XSync(display_x(in->display), False);
	}
}

static bool is_wheel(int button)
{
	return button >= 4 && button <= 7;
}

void input_button(struct input *in, int button, bool down)
{
	if (!display_is_lost(in->display)) {
		XTestFakeButtonEvent(display_x(in->display), (unsigned)button, down, CurrentTime);
	}
	in->buttons = down ? in->buttons | 1u << button : in->buttons & ~(1u << button);
	if (!is_wheel(button)) {
		sync_server(in);
	}
	uint64_t now = loop_now_us();
	in->button_us = down ? now : in->button_us;
	if (is_wheel(button)) {
		return;
	}
	if (down) {
		in->presses++;
		in->presses_here++;
		bool again = in->pressed == button &&
			     now - in->button_down_us < INPUT_DOUBLE_CLICK_MS * 1000;
		in->before_us = again ? in->button_down_us : 0;
		in->pressed = button;
		in->button_down_us = now;
	} else {
		in->button_up_us = now;
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_near(struct point a, struct point b)
{
	return abs(a.x - b.x) <= INPUT_DOUBLE_CLICK_PIXELS &&
	       abs(a.y - b.y) <= INPUT_DOUBLE_CLICK_PIXELS;
}

uint64_t input_press_due(const struct input *in, int button, struct point at)
{
	uint64_t due = in->button_up_us + (INPUT_REST_MS + INPUT_CLOCK_MS) * 1000;
	if (in->pressed == button && is_near(in->pressed_at, at)) {
		due = later(due, in->button_down_us + INPUT_DOUBLE_CLICK_MS * 1000);
		due = later(due, in->before_us ? in->before_us + INPUT_TRIPLE_CLICK_MS * 1000 : 0);
	}
	return due;
}

uint64_t input_release_due(const struct input *in)
{
	return in->button_down_us + (INPUT_HOLD_MS + INPUT_CLOCK_MS) * 1000;
}

void input_key(struct input *in, KeyCode code, bool down)
{
	if (!display_is_lost(in->display)) {
		XTestFakeKeyEvent(display_x(in->display), code, down, CurrentTime);
	}
	in->keys[code] = down;
	in->held[code] &= down;
	in->key_us = loop_now_us();
	in->key_went_up |= !down;
}

void input_keep_apart(struct input *in, Window *focus)
{
	if (*focus == None) {
		*focus = display_focus(in->display);
	}
	XEvent event = { .xclient = {
				 .type = ClientMessage,
				 .window = *focus,
				 .message_type = display_atom(in->display, ATOM_VITRINE_KEYS_APART),
				 .format = 32,
			 } };
	if (*focus > PointerRoot) {
		XSendEvent(display_x(in->display), *focus, False, NoEventMask, &event);
	}
}

void input_sync_keys(struct input *in)
{
	sync_server(in);
	in->key_up_us = in->key_went_up ? loop_now_us() : in->key_up_us;
	in->key_went_up = false;
}

uint64_t input_key_due(const struct input *in)
{
	return in->key_up_us + (INPUT_REST_MS + INPUT_CLOCK_MS) * 1000;
}

void input_release_keys(struct input *in)
{
	for (int code = 255; code > 0; code--) {
		if (in->keys[code] && !in->held[code]) {
			input_key(in, (KeyCode)code, false);
		}
	}
	if (in->key_went_up) {
		input_sync_keys(in);
	}
}

void input_hold_key(struct input *in, KeyCode code, bool held)
{
	if (held) {
		in->held[code] = in->keys[code];
	} else if (in->keys[code]) {
		input_key(in, code, false);
	}
}

void input_release_all_keys(struct input *in)
{
	memset(in->held, 0, sizeof(in->held));
	input_release_keys(in);
}

void input_release_all(struct input *in)
{
	for (int button = 1; button <= INPUT_BUTTON_MAX; button++) {
		if (in->buttons & 1u << button) {
			input_button(in, button, false);
		}
	}
	input_release_all_keys(in);
}

bool input_wm_behind(const struct input *in, bool by_keys_only)
{
	uint64_t last = in->key_us;
	if (!by_keys_only && in->button_us > last) {
		last = in->button_us;
	}
	return last && loop_now_us() - last < WM_SLOWEST_US;
}

void input_wm_caught_up(struct input *in)
{
	in->button_us = in->key_us = 0;
	in->presses = in->presses_here = 0;
}

void input_landed(struct input *in)
{
	in->presses = in->presses_here;
}

bool input_press_waits(const struct input *in)
{
	return in->presses > 1 && input_wm_behind(in, false);
}

bool input_pointer(struct input *in, struct point *ret_at, struct err *err)
{
	Window root, child;
	int x = 0, y = 0, window_x, window_y;
	unsigned mask;
	Bool ok = XQueryPointer(display_x(in->display), display_root(in->display), &root, &child,
		&x, &y, &window_x, &window_y, &mask);
	if (!ok || display_is_lost(in->display)) {
		return display_is_restarting(err);
	}
	display_catch_up(in->display);
	*ret_at = (struct point){ x, y };
	return true;
}

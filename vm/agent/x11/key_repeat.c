#include "vm/agent/x11/key_repeat.h"

void key_repeat_stop(struct key_repeat *r)
{
	Display *x = display_x(r->display);
	XKeyboardState state;
	if (r->stopped || display_is_lost(r->display)) {
		return;
	}
	XGetKeyboardControl(x, &state);
	if (state.global_auto_repeat == AutoRepeatModeOn) {
		XAutoRepeatOff(x);
		r->stopped = true;
	}
}

void key_repeat_restore(struct key_repeat *r)
{
	if (r->stopped && !display_is_lost(r->display)) {
		XAutoRepeatOn(display_x(r->display));
		XFlush(display_x(r->display));
	}
	r->stopped = false;
}

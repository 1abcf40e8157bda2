#ifndef TESTS_SUPPORT_TARGET_H
#define TESTS_SUPPORT_TARGET_H

/* A window of the test's own, on a connection of its own, that remembers the input it got. */

#include "tests/support/agent_fixture.h"

#include <X11/Xutil.h>
#include <X11/keysym.h>

#define TARGET_EVENTS 2000

struct target {
	Display *x;
	Window window;
	XEvent events[TARGET_EVENTS];
	int n;
};

#define TARGET_MASK \
	(ButtonPressMask | ButtonReleaseMask | PointerMotionMask | KeyPressMask | KeyReleaseMask)

/* managed: by the window manager, which then decides on its place. */
void target_open(struct target *t, struct agent_fixture *fixture, int x, int y, int width,
	int height, bool managed);

void target_close(struct target *t);

/* Takes in what has arrived. */
void target_read(struct target *t);

int target_count(struct target *t, int type);

/* The index-th event of that type. */
const XEvent *target_event(struct target *t, int type, int index);

KeySym target_key(struct target *t, int type, int index);

/* No key is down, as the server sees it. */
bool target_keys_up(struct target *t);

unsigned target_buttons_down(struct target *t);

#endif

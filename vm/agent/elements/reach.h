#ifndef VM_AGENT_ELEMENTS_REACH_H
#define VM_AGENT_ELEMENTS_REACH_H

#include "vm/agent/elements/target.h"

/* Which window gets a click: programs do not know what covers their elements, the X server does. */

struct reach {
	struct display *display;
	Window anchor; /* a window of the program */
	size_t n;
	Window tops[TARGET_WINDOWS_MAX]; /* of its windows: their frames */
};

/* numbers: of the program's windows, at most TARGET_WINDOWS_MAX. */
void reach_init(struct reach *reach, struct display *d, const uint32_t *numbers, size_t n);

#define REACH_MENU -1
/* Whether a click at this point of the screen arrives in that window (an index), or in a menu. */
bool reach_has(const struct reach *reach, int window, struct point at);
/* Whether it would if only that window, its menus and its program's other windows were there. */
bool reach_has_alone(const struct reach *reach, int window, struct point at);

#endif

#ifndef VM_AGENT_X11_LOCKS_H
#define VM_AGENT_X11_LOCKS_H

#include "vm/agent/x11/display.h"

#include <X11/XKBlib.h>

/* Caps Lock, Num Lock and another group of the layout: out of force while keys are pressed, and
 * back afterwards. */
struct locks {
	struct display *display;
	XkbStateRec kept; /* what is put back */
	bool changed;     /* by locks_neutralise(), and not put back yet */
};

/* False: there were locks, and what was read of the keyboard before may not hold without them. */
bool locks_neutralise(struct locks *l);
void locks_restore(struct locks *l); /* does nothing when nothing is to be put back */

#endif

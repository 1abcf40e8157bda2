#ifndef VM_AGENT_X11_LOCKS_H
#define VM_AGENT_X11_LOCKS_H

#include "vm/agent/x11/display.h"

#include <X11/XKBlib.h>

/* Caps Lock, Num Lock and other groups of the layout: disabled while keys are pressed, and restored
 * afterwards. */
struct locks {
	struct display *display;
	XkbStateRec kept; /* what is restored */
	bool changed;     /* by locks_neutralise(), and not restored yet */
};

/* False: locks were active, and keyboard state that was read before may be invalid. */
bool locks_neutralise(struct locks *l);
void locks_restore(struct locks *l); /* no effect if nothing is to be restored */

#endif

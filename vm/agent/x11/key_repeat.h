#ifndef VM_AGENT_X11_KEY_REPEAT_H
#define VM_AGENT_X11_KEY_REPEAT_H

#include "vm/agent/x11/display.h"

/*
 * The X server repeats a key that is held down for some time.  A chord means one press, however long
 * a slow machine takes until the release, so repeating is switched off for it.
 */
struct key_repeat {
	struct display *display;
	bool stopped; /* by key_repeat_stop(), and not restored yet */
};

/* One round trip. */
void key_repeat_stop(struct key_repeat *r);
/* As it was before.  After the release of the keys; no effect if nothing is to be restored. */
void key_repeat_restore(struct key_repeat *r);

#endif

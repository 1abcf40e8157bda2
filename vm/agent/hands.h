#ifndef VM_AGENT_HANDS_H
#define VM_AGENT_HANDS_H

#include "vm/agent/input.h"
#include "vm/agent/keymap.h"
#include "vm/agent/observe.h"

/* Hands and eyes: all that acts and looks through one display, for as long as that is open. */
struct hands {
	struct display *display;
	struct input input;
	struct keymap *keymap;
	struct observer *observer;
};

struct hands *hands_new(struct display *d, struct err *err) NODISCARD;
void hands_free(struct hands *h); /* NULL-safe */

#endif

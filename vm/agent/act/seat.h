#ifndef VM_AGENT_ACT_SEAT_H
#define VM_AGENT_ACT_SEAT_H

#include "vm/agent/act/observe.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap.h"

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

#ifndef VM_AGENT_ACT_SEAT_H
#define VM_AGENT_ACT_SEAT_H

#include "vm/agent/act/observe.h"
#include "vm/agent/x11/changes.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap.h"

/* The input devices and the observer of one display, while it is open. */
struct seat {
	struct display *display;
	struct input input;
	struct keymap *keymap;
	struct observer *observer;
	struct changes *changes;
};

struct seat *seat_new(struct display *d, struct err *err) NODISCARD;
void seat_free(struct seat *s); /* NULL-safe */

#endif

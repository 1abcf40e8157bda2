#ifndef VM_AGENT_X11_CLIENT_SYNC_H
#define VM_AGENT_X11_CLIENT_SYNC_H

#include "vm/agent/x11/display.h"

/*
 * Waiting until another client has read what was sent to it.  X gives no such answer by itself: a
 * client that supports _NET_WM_PING answers one after all events before it, and a window manager
 * answers a request for a frame's extents.
 */

struct barrier;

enum barrier_answer {
	BARRIER_ANSWERED,
	BARRIER_SILENT, /* it did not answer in time */
};

/* Fires once, from the loop; barrier_free() is allowed inside. */
typedef void barrier_fn(enum barrier_answer answer, void *data);

/* The client of the focused window; NULL when it cannot be asked. */
struct barrier *barrier_focus(struct display *d, uint64_t ms, barrier_fn *fn, void *data);
/* NULL when there is no window manager. */
struct barrier *barrier_window_manager(struct display *d, barrier_fn *fn, void *data);
/* Only whether one answers at all, with no word on what it has done. */
struct barrier *barrier_sign_of_life(struct display *d, barrier_fn *fn, void *data);
/* For a client that cannot be asked: until nothing was painted for a while.  Always "answered". */
struct barrier *barrier_paint(struct display *d, uint64_t ms, barrier_fn *fn, void *data);
void barrier_free(struct barrier *b); /* stops waiting; NULL-safe */

/* Whether keys go anywhere: some window has the focus, or some client has grabbed the keyboard. */
bool barrier_has_focus(struct display *d);
/* Whether another client has: a menu, or a program that takes all keys. */
bool barrier_keyboard_is_grabbed(struct display *d);

#endif

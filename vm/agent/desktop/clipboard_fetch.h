#ifndef VM_AGENT_DESKTOP_CLIPBOARD_FETCH_H
#define VM_AGENT_DESKTOP_CLIPBOARD_FETCH_H

#include "vm/agent/desktop/clipboard_data.h"
#include "vm/agent/x11/display.h"

/* Fetches the data that the owner of CLIPBOARD offers, one target at a time, without blocking. */

struct fetch;

struct fetch_wish {
	bool everything; /* offered, not only common formats */
	Atom only[CLIP_ITEMS];
	int n_only; /* only these of everything; 0: all */
	Time time;  /* not before the owner became the owner */
};

/*
 * Adds missing targets to *data.  Data that is marked as a secret, or may be, sets its flag, and
 * nothing else is fetched.  If the owner does not respond in time, the fetch ends and received data
 * is kept.  Calls done once, from the loop, unless it is freed before; done may free it.
 */
struct fetch *fetch_new(struct display *d, const struct clip_atoms *atoms, struct clip_data *data,
	const struct fetch_wish *wish, void (*done)(void *user), void *user);
/* To be called for each event on the display. */
void fetch_on_event(struct fetch *f, const XEvent *event);
/* NULL-safe. */
void fetch_free(struct fetch *f);

#endif

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
	bool first; /* the first of these, in their order, that can be had */
	Time time;  /* not before the owner became the owner */
};

/*
 * Adds missing targets to *data.  Data that is marked as a secret, or may be, sets its flag, and
 * nothing else is fetched.  If the owner does not respond in time, the fetch ends and received data
 * is kept.  Calls done once, from the loop, unless it is freed before; done may free it.
 */
struct fetch *fetch_new(struct display *d, const struct clip_atoms *atoms, struct clip_data *data,
	const struct fetch_wish *wish, void (*done)(void *user), void *user);
/* Something was left out because it is too long.  Also from inside done. */
bool fetch_was_too_long(const struct fetch *f);
/* The owner did not answer in time.  Also from inside done. */
bool fetch_was_late(const struct fetch *f);
/* To be called for each event on the display. */
void fetch_on_event(struct fetch *f, const XEvent *event);
/* NULL-safe. */
void fetch_free(struct fetch *f);

#endif

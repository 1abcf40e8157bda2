#ifndef VM_AGENT_DESKTOP_CLIPBOARD_FETCH_H
#define VM_AGENT_DESKTOP_CLIPBOARD_FETCH_H

#include "vm/agent/desktop/clipboard_data.h"
#include "vm/agent/x11/display.h"

/* Asks the owner of CLIPBOARD for what it offers, one target at a time, without blocking. */

struct fetch;

struct fetch_wish {
	bool everything; /* offered, not just what is worth fetching soon after a copy */
	Atom only[CLIP_ITEMS];
	int n_only; /* of everything, just these; 0: no such limit */
	Time time;  /* on or after the owner became that */
};

/*
 * Adds to *data what it does not have yet.  A content that is marked as secret, or may be,
 * sets its flag, and nothing more is fetched.  An owner that does not answer in time ends the
 * fetch; what has come by then stays.  Calls done once, from the loop, unless it is freed before;
 * done may free it.
 */
struct fetch *fetch_new(struct display *d, const struct clip_atoms *atoms, struct clip_data *data,
	const struct fetch_wish *wish, void (*done)(void *user), void *user);
/* For each event on the display. */
void fetch_on_event(struct fetch *f, const XEvent *event);
/* NULL-safe. */
void fetch_free(struct fetch *f);

#endif

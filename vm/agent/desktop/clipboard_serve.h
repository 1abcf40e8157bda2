#ifndef VM_AGENT_DESKTOP_CLIPBOARD_SERVE_H
#define VM_AGENT_DESKTOP_CLIPBOARD_SERVE_H

#include "vm/agent/desktop/clipboard_data.h"
#include "vm/agent/x11/display.h"

/* Answers requests for selections owned by the agent; large data is sent in parts (INCR). */

struct serve;

/* The available data; borrowed for the call. */
struct serve_offer {
	const struct clip_data *data; /* NULL: only queries are answered */
	Time since;                   /* start of the ownership */
};

struct serve *serve_new(struct display *d, const struct clip_atoms *atoms);
/* Answers the request; refuses SAVE_TARGETS. */
void serve_answer(
	struct serve *s, const XSelectionRequestEvent *event, const struct serve_offer *offer);
/* Notifies the requestor of the result; property None refuses. */
void serve_notify(struct serve *s, const XSelectionRequestEvent *event, Atom property);
/* To be called for each event on the display; detects that parts were read. */
void serve_on_event(struct serve *s, const XEvent *event);
/* A requestor is reading parts. */
bool serve_is_busy(const struct serve *s);
/* Ends transfers in progress.  NULL-safe. */
void serve_free(struct serve *s);

#endif

#ifndef VM_AGENT_DESKTOP_CLIPBOARD_SERVE_H
#define VM_AGENT_DESKTOP_CLIPBOARD_SERVE_H

#include "vm/agent/desktop/clipboard_data.h"
#include "vm/agent/x11/display.h"

/* Answers programs that ask for a selection of ours; long answers go in parts (INCR). */

struct serve;

/* What there is to answer from; borrowed for the call. */
struct serve_offer {
	const struct clip_data *data; /* NULL: only the questions are answered */
	Time since;                   /* of the ownership */
};

struct serve *serve_new(struct display *d, const struct clip_atoms *atoms);
/* Answers the request, SAVE_TARGETS by a refusal. */
void serve_answer(
	struct serve *s, const XSelectionRequestEvent *event, const struct serve_offer *offer);
/* Tells the requestor how it went; property None refuses. */
void serve_notify(struct serve *s, const XSelectionRequestEvent *event, Atom property);
/* For each event on the display: parts are taken. */
void serve_on_event(struct serve *s, const XEvent *event);
/* Ends transfers that are under way.  NULL-safe. */
void serve_free(struct serve *s);

#endif

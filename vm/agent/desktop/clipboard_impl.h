#ifndef VM_AGENT_DESKTOP_CLIPBOARD_IMPL_H
#define VM_AGENT_DESKTOP_CLIPBOARD_IMPL_H

/* What clipboard.c (the manager) and clipboard_loan.c share. */

#include "vm/agent/desktop/clipboard.h"
#include "vm/agent/desktop/clipboard_fetch.h"
#include "vm/agent/desktop/clipboard_loan.h"
#include "vm/agent/desktop/clipboard_serve.h"

#define SAVES_MAX 8 /* hand-overs that wait for their answer */

struct clipboard {
	struct display *display;
	struct display_listener listener;
	struct clip_atoms atoms;
	struct serve *serve;
	Window window;
	Time since, managing_since; /* of our ownerships */
	bool owning;

	Window owner; /* another client; None: no owner or the agent */
	Time changed;
	struct clip_data data; /* of the owner, or of the one that exited, or set */
	struct clip_data next; /* set, but XFixes has not reported it yet */
	int setting;
	unsigned puts; /* how often something was put there */
	struct clip_reads reads;
	struct clipboard_loan *loan; /* NULL: none */
	struct fetch *fetch;
	sd_event_source *moment;
	XSelectionRequestEvent saves[SAVES_MAX];
	int n_saves;
};

/* Takes the data and ownership; as clipboard_set(). */
bool clipboard_put(struct clipboard *c, struct clip_data *data, struct err *err) NODISCARD;

/* ---- of a loan, which may be NULL ---- */

bool loan_has_primary(const struct clipboard_loan *loan);
/* The content was asked for, and the request answered. */
void loan_on_served(struct clipboard_loan *loan, const XSelectionRequestEvent *event);
void loan_on_event(struct clipboard_loan *loan, const XEvent *event);
/* The clipboard is freed; the loan remains, for clipboard_loan_end(). */
void loan_on_clipboard_end(struct clipboard_loan *loan);

#endif

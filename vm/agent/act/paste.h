#ifndef VM_AGENT_ACT_PASTE_H
#define VM_AGENT_ACT_PASTE_H

#include "vm/agent/act/prepared_action.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/step.h"

/*
 * Pastes a text: lends it to the clipboard, presses the keys of the focused program's command, and
 * waits until that program has taken it.
 */

struct clipboard; /* vm/agent/desktop/clipboard.h */
struct paste;

/* fn is called once, from the loop.  ERR_STATE: no window has the focus, or the program did not ask
 * for the text in time. */
struct paste *paste_start(struct seat *seat, struct clipboard *clipboard,
	const struct prepared_action *action, step_fn *fn, void *data, struct err *err) NODISCARD;
/* Why the clipboard is not as it was before; NULL if it is.  After the end. */
const char *paste_note(const struct paste *p);
/* Puts the clipboard back, if that has not happened.  NULL-safe. */
void paste_free(struct paste *p);

#endif

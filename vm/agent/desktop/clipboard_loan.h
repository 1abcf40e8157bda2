#ifndef VM_AGENT_DESKTOP_CLIPBOARD_LOAN_H
#define VM_AGENT_DESKTOP_CLIPBOARD_LOAN_H

#include "base/err.h"

#include <X11/Xlib.h>
#include <stdbool.h>

/* A text on the clipboard for the time of one paste.  What was there before is kept and put back. */

struct clipboard;
struct clipboard_loan;

/* From the loop. */
struct clipboard_loan_events {
	/* The text can be pasted now; or why not. */
	void (*ready)(const struct err *why, void *data);
	/* A program took the text; a long one is sent in parts from now on.  client: its window. */
	void (*taken)(Window client, void *data);
};

/*
 * text: UTF-8, copied.  primary: it is also the selection PRIMARY, which is empty afterwards, for
 * programs that paste only that.  NULL: another loan lasts.
 */
struct clipboard_loan *clipboard_lend(struct clipboard *c, const char *text, bool primary,
	const struct clipboard_loan_events *events, void *data, struct err *err) NODISCARD;
/* A program is still receiving parts. */
bool clipboard_loan_is_busy(const struct clipboard_loan *loan);
/*
 * Puts back what was there, unless another program copied something, and frees the loan.  Returns
 * why the clipboard is not as it was: a sentence, or NULL.  NULL-safe.
 */
const char *clipboard_loan_end(struct clipboard_loan *loan);

#endif

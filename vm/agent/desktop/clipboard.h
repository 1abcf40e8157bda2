#ifndef VM_AGENT_DESKTOP_CLIPBOARD_H
#define VM_AGENT_DESKTOP_CLIPBOARD_H

#include "vm/agent/desktop/clipboard_read.h"
#include "vm/agent/desktop/clipboard_type.h"
#include "vm/agent/x11/display.h"

/*
 * Keeps copied data (the selection CLIPBOARD) when its program exits, and is the display's clipboard
 * manager, to which programs hand over their data when they exit (SAVE_TARGETS of
 * CLIPBOARD_MANAGER).  It takes CLIPBOARD only when the owner has exited, never from a running owner
 * or after the owner has given up ownership.  PRIMARY is not touched.
 *
 * A killed program hands nothing over, so its data must be fetched while it runs.  As this costs the
 * program work:
 * - it is fetched once, a moment after the copy; after several copies in a row, only the last is;
 * - only common formats are fetched then, and images only if there is no text: an office program
 *   would have to render its selection although it may never be pasted.  A hand-over takes all;
 * - data marked as a password (x-kde-passwordManagerHint) is neither fetched nor taken over.
 * One format is limited to 8 MiB and one copy to 16 MiB; larger formats are omitted.  An owner that
 * does not respond costs a timeout, and what was received by then is kept.
 */

struct clipboard;

/* Takes CLIPBOARD_MANAGER, unless another program has it.  Must be freed before the display. */
struct clipboard *clipboard_new(struct display *d);
/* Its content is read by clip_read_new(). */
struct clip_reads *clipboard_reads(struct clipboard *c);
/* Whether an owner of CLIPBOARD is the agent: it keeps what is there, or was told to set it. */
bool clipboard_is_owner(const struct clipboard *c, Window owner);
/* Makes this the content, until another is copied; programs can paste it from now on.  ERR_STATE:
 * another program has just copied something. */
bool clipboard_set(struct clipboard *c, const struct clip_copy *copy, struct err *err) NODISCARD;
/* The display may be lost.  NULL-safe. */
void clipboard_free(struct clipboard *c);

#endif

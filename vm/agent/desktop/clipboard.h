#ifndef VM_AGENT_DESKTOP_CLIPBOARD_H
#define VM_AGENT_DESKTOP_CLIPBOARD_H

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
 * - data of viewers is owned by the X server, which lives as long as the display: it is not fetched,
 *   and the viewer is asked only when a program pastes it;
 * - data marked as a password (x-kde-passwordManagerHint) is neither fetched nor taken over.
 * One format is limited to 8 MiB and one copy to 16 MiB; larger formats are omitted.  An owner that
 * does not respond costs a timeout, and what was received by then is kept.
 */

struct clipboard;

/* Takes CLIPBOARD_MANAGER, unless another program has it.  Must be freed before the display. */
struct clipboard *clipboard_new(struct display *d);
/* The display may be lost.  NULL-safe. */
void clipboard_free(struct clipboard *c);

#endif

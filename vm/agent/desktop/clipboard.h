#ifndef VM_AGENT_DESKTOP_CLIPBOARD_H
#define VM_AGENT_DESKTOP_CLIPBOARD_H

#include "vm/agent/x11/display.h"

/*
 * Keeps what was copied (the selection CLIPBOARD) when its program ends, and is the display's
 * clipboard manager, to which programs hand their content over at their end (SAVE_TARGETS of
 * CLIPBOARD_MANAGER).  It takes CLIPBOARD only when the owner has died, never from a living one and
 * never when the owner has given it up itself.  PRIMARY is left alone.
 *
 * A program that is killed hands nothing over, so its content has to be fetched while it lives.
 * That costs the program work, and so:
 * - it is fetched once, a moment after the copy; programs that copy many times in a row are asked
 *   about the last one;
 * - only common formats are fetched then, and pictures only where there is no text: an office
 *   program would have to draw its selection for one that nobody wants.  A hand-over takes all;
 * - what a viewer has sent belongs to the X server itself, which lives as long as the display: it
 * is not fetched, and the viewer is asked only when a program wants it;
 * - what is marked as a password (x-kde-passwordManagerHint) is neither fetched nor taken over.
 * One format has at most 8 MiB and one copy 16 MiB; formats beyond that are left out.  An owner
 * that does not answer costs a timeout, and what has come by then is kept.
 */

struct clipboard;

/* Takes CLIPBOARD_MANAGER, unless another program has it.  Must be freed before the display. */
struct clipboard *clipboard_new(struct display *d);
/* The display may be lost already.  NULL-safe. */
void clipboard_free(struct clipboard *c);

#endif

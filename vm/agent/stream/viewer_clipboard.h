#ifndef VM_AGENT_STREAM_VIEWER_CLIPBOARD_H
#define VM_AGENT_STREAM_VIEWER_CLIPBOARD_H

#include "vm/agent/core/agent.h"
#include "vm/rfb/server.h"

/*
 * What is copied on the desktop, for one of its viewers: it is told of each copy by another program,
 * and gets the text when it asks.  Passwords are not given.  The viewer's control is checked by
 * vm/rfb when the text is there.
 */

struct viewer_clipboard;

/* The display is there.  viewer must outlive it. */
struct viewer_clipboard *viewer_clipboard_new(struct agent *agent, struct rfb_viewer *viewer);
void viewer_clipboard_free(struct viewer_clipboard *c); /* NULL-safe */
/* The viewer wants the text that was copied last. */
void viewer_clipboard_read(struct viewer_clipboard *c);

#endif

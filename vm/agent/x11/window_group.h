#ifndef VM_AGENT_X11_WINDOW_GROUP_H
#define VM_AGENT_X11_WINDOW_GROUP_H

#include "vm/agent/x11/display.h"

/* Which windows belong together.  Windows that are gone belong nowhere. */

/* The child of the root that it is in: its frame, or itself. */
Window window_group_top(struct display *d, Window id);
/* Whether id is ancestor, or inside of it. */
bool window_group_is_inside(struct display *d, Window id, Window ancestor);
/* Whether two windows were made by one connection to the server. */
bool window_group_same_client(struct display *d, Window a, Window b);

/*
 * Whether id is a menu (passing) or a dialog of the window: its own program made it, and says that
 * it is for this one.  A menu that does not say counts for its program's only window, or for the
 * active one.
 */
bool window_group_belongs(struct display *d, Window id, Window window, bool passing);
/* Whether another program's menu, or the like, is open that belongs not to the window. */
bool window_group_has_stranger(struct display *d, Window window);

/* Asks the program to paint the whole window. */
void window_group_expose(struct display *d, Window id);

#endif

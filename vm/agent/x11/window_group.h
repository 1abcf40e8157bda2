#ifndef VM_AGENT_X11_WINDOW_GROUP_H
#define VM_AGENT_X11_WINDOW_GROUP_H

#include "vm/agent/x11/display.h"

/* Determines which windows belong together.  Closed windows belong to none. */

/* The child of the root that contains it: its frame, or itself. */
Window window_group_top(struct display *d, Window id);
/* Whether id is ancestor, or inside it. */
bool window_group_is_inside(struct display *d, Window id, Window ancestor);
/* Whether two windows were created by one connection to the server. */
bool window_group_same_client(struct display *d, Window a, Window b);

/*
 * Whether id is a menu (passing) or a dialog of the window: created by the same program, and marked
 * as belonging to it.  An unmarked menu belongs to its program's only window, or to the active one.
 */
bool window_group_belongs(struct display *d, Window id, Window window, bool passing);
/* Whether another program's menu, or similar, is open that does not belong to the window. */
bool window_group_has_stranger(struct display *d, Window window);

/* A window that is not managed, such as an open menu, on the screen. */
struct window_popup {
	Window id;
	struct rect rect; /* in screen pixels */
};
/* Those of the program that created a window, the front one first.  Returns how many, at most max. */
size_t window_group_popups(struct display *d, Window of, struct window_popup *ret, size_t max);
/* Where one is now; false: not on the screen. */
bool window_group_popup(struct display *d, Window id, struct window_popup *ret);

/* Requests the program to paint the whole window. */
void window_group_expose(struct display *d, Window id);

/* The child of the root at a point of the screen: a frame, or a window that is not managed.  None: the root. */
Window window_group_at(struct display *d, struct point at);

#endif

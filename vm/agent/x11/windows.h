#ifndef VM_AGENT_X11_WINDOWS_H
#define VM_AGENT_X11_WINDOWS_H

#include "vm/wire/geometry.h"

#include <X11/Xlib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The windows of the desktop, as reported by the window manager (EWMH).  In screen pixels, without
 * the frame. */

struct display;

enum window_type {
	WINDOW_NORMAL,  /* also dialogs and utilities */
	WINDOW_PASSING, /* splash screens, notifications, menus */
	WINDOW_DOCK,    /* panels and the desktop itself */
};

struct window_info {
	Window id;
	enum window_type type;
	bool viewable;
	pid_t pid; /* 0: unknown */
	int x, y, width, height;
	int state;       /* enum window_state (vm/wire/messages_windows.h) */
	int64_t desktop; /* from 0; -1: all */
	char title[256], class[64], startup_id[128]; /* UTF-8; "" if not set */
};

#define WINDOWS_MAX 512

/* Fills ret_ids with the managed windows, oldest first, and returns their number. */
size_t windows_list(struct display *d, Window ret_ids[WINDOWS_MAX]);
/* The same, the uppermost first. */
size_t windows_stack(struct display *d, Window ret_ids[WINDOWS_MAX]);
/* Up to max items of a property of that format (32: longs), to be freed with XFree; NULL: it is not
 * there or has another format.  Inside a trap. */
void *windows_property(
	struct display *d, Window of, Atom property, int format, long max, size_t *ret_n);
/* False if the window has closed. */
bool windows_describe(struct display *d, Window id, struct window_info *ret_info);
/* Iconified: invisible until it is activated. */
bool windows_is_minimised(struct display *d, Window id);
/* Without a frame, and of fixed size or centred on the screen, but smaller than that: possibly a
 * splash screen. */
bool windows_is_bare(struct display *d, Window id);
/* Its end and its properties are reported as events from now on. */
void windows_watch(struct display *d, Window id);
bool windows_has_dock(struct display *d);
/* The panels that no window can cover, in screen pixels; at most max.  Returns their number. */
size_t windows_panels(struct display *d, struct rect *ret, size_t max);
Window windows_active(struct display *d); /* None if there is none */

/* Whether a window manager runs and has published its list of windows, the last step of its
 * start. */
bool windows_are_managed(struct display *d);
/* Removes the properties of the last window manager, so that they do not count as those of the next
 * one. */
void windows_forget_manager(struct display *d);

/*
 * The window as in vm/wire/messages.h, in the frame space.  Its id is a number assigned by the
 * agent: X reuses the ids of closed windows, and a viewer of one window must not get to see
 * another.
 */
json_t *windows_encode(struct display *d, const struct window_info *info, bool active,
	struct size frame, struct size screen);
/* That number; 0 if the window has closed. */
uint32_t windows_number(struct display *d, Window id);
/* The managed window with that number; None if it has closed. */
Window windows_find(struct display *d, uint32_t number);

#endif

#ifndef VM_AGENT_X11_WINDOWS_H
#define VM_AGENT_X11_WINDOWS_H

#include "vm/wire/geometry.h"

#include <X11/Xlib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The windows on the desktop, as the window manager tells them (EWMH).  Screen pixels, without the
 * frame. */

struct display;

enum window_type {
	WINDOW_NORMAL,  /* also dialogs and utilities */
	WINDOW_PASSING, /* splash screens, notifications, menus: not what a program opens for its
			   user */
	WINDOW_DOCK,    /* panels and the desktop itself */
};

struct window_info {
	Window id;
	enum window_type type;
	bool viewable;
	pid_t pid; /* 0: it does not say */
	int x, y, width, height;
	char title[256], class[64], startup_id[128]; /* UTF-8; "" when there is none */
};

#define WINDOWS_MAX 512

/* Fills ret_ids with the managed windows, oldest first, and returns how many there are. */
size_t windows_list(struct display *d, Window ret_ids[WINDOWS_MAX]);
/* False when the window is gone. */
bool windows_describe(struct display *d, Window id, struct window_info *ret_info);
/* Iconified: not to be seen until somebody asks for it. */
bool windows_is_minimised(struct display *d, Window id);
/* Without a frame, and of one size or in the middle of the screen, but smaller than that: as likely
 * a splash screen as a window to work with. */
bool windows_is_bare(struct display *d, Window id);
/* Its end and its properties are reported as events from now on. */
void windows_watch(struct display *d, Window id);
bool windows_has_dock(struct display *d);
Window windows_active(struct display *d); /* None when there is none */

/* Whether a window manager runs and has come to its list of windows, the last thing it does as it
 * starts. */
bool windows_are_managed(struct display *d);
/* Removes what the last window manager left: it must not count as an answer of the next one. */
void windows_forget_manager(struct display *d);

/*
 * The window of vm/wire/messages.h, in the frame space.  Its id there is a number of ours: X gives
 * the ids of windows that are gone to others, and whoever may see one window must not come to see
 * another.
 */
json_t *windows_encode(struct display *d, const struct window_info *info, bool active,
	struct size frame, struct size screen);
/* That number, for a window that is there; 0 when it is gone. */
uint32_t windows_number(struct display *d, Window id);
/* The managed window that has that number; None when it is gone. */
Window windows_find(struct display *d, uint32_t number);

#endif

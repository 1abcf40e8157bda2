#ifndef VM_AGENT_WINDOW_WINDOW_CAPTURE_H
#define VM_AGENT_WINDOW_WINDOW_CAPTURE_H

#include "vm/agent/x11/shm_capture.h"

/*
 * The picture of one window with its menus and dialogs, and of nothing else: whatever lies over it
 * is not in it, and where the window has not painted since it was first looked at, covered or not,
 * it is plain.  It is as large as the window, and while a menu or a dialog reaches beyond that, as
 * both together, but never larger than the screen.
 */

struct view;

struct view_handlers {
	/* Something may be new; not again before the next view_refresh(). */
	void (*changed)(void *data);
	/* Windows or the focus have changed places. */
	void (*restacked)(void *data);
	/* The window, or the display, is no more: once.  view_free() is allowed inside. */
	void (*ended)(const struct err *why, void *data);
};

/* id: a managed window, of windows_list().  ERR_NOT_FOUND: it is gone. */
struct view *view_new(struct display *d, Window id, const struct view_handlers *handlers,
	void *data, struct err *err) NODISCARD;
void view_free(struct view *v); /* NULL-safe */

/* Takes what is new into the picture, which stays as it is until the next call. */
void view_refresh(struct view *v);
const struct image *view_picture(const struct view *v);
/* Where the picture's corner is, seen from the window's: a menu may begin left of it. */
struct point view_offset(const struct view *v);
/* What has changed since it was last taken, as at most max rectangles within the picture; what does
 * not fit stays for the next call. */
size_t view_take(struct view *v, struct rect *ret_rects, size_t max);
/* As if it had changed. */
void view_touch(struct view *v, struct rect area);

Window view_window(const struct view *v);
/* Where the window's top left corner is on the screen, now.  False: it is not shown. */
bool view_origin(struct view *v, struct point *ret_at);
/* Whether there is any of it at this place on the screen. */
bool view_is_at(const struct view *v, struct point at);
/* Whether this child of the root is the window's frame, or one of its menus or dialogs. */
bool view_owns(const struct view *v, Window child);
/* Whether the window, or one inside of it or of its dialogs, is this one. */
bool view_holds(const struct view *v, Window window);

#define VIEW_RECTS_MAX 512

#endif

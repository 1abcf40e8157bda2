#ifndef VM_AGENT_WINDOW_WINDOW_CAPTURE_H
#define VM_AGENT_WINDOW_WINDOW_CAPTURE_H

#include "vm/agent/x11/shm_capture.h"

/*
 * The picture of one window with its menus and dialogs only.  Windows that cover it are not in it,
 * and areas that the window has not painted since the start are plain, covered or not.  It has the
 * window's size, extended while a menu or a dialog extends beyond it, and at most the screen's
 * size.
 */

struct window_capture;

struct window_capture_handlers {
	/* The picture may have changed; not called again before the next window_capture_refresh(). */
	void (*changed)(void *data);
	/* The stacking order or the focus has changed. */
	void (*restacked)(void *data);
	/* The window, or the display, has closed: once.  window_capture_free() is allowed inside. */
	void (*ended)(const struct err *why, void *data);
};

/* id: a managed window, from windows_list().  ERR_NOT_FOUND: it has closed. */
struct window_capture *window_capture_new(struct display *d, Window id,
	const struct window_capture_handlers *handlers, void *data, struct err *err) NODISCARD;
void window_capture_free(struct window_capture *c); /* NULL-safe */

/* Updates the picture, which then stays unchanged until the next call. */
void window_capture_refresh(struct window_capture *c);
const struct image *window_capture_picture(const struct window_capture *c);
/* The place of the picture on the screen; parts of it may be outside. */
struct rect window_capture_place(const struct window_capture *c);
/* Whether no part of it is plain because its program has not painted it since the start. */
bool window_capture_is_whole(const struct window_capture *c);
/* Whether other windows lie over a part of it.  Some round trips. */
bool window_capture_is_covered(const struct window_capture *c);
/* The position of the picture's corner relative to the window: a menu may extend to its left. */
struct point window_capture_offset(const struct window_capture *c);
/* What has changed since the last call, as at most max rectangles within the picture; the rest
 * remains for the next call. */
size_t window_capture_take(struct window_capture *c, struct rect *ret_rects, size_t max);
/* Marks the area as changed. */
void window_capture_touch(struct window_capture *c, struct rect area);

Window window_capture_window(const struct window_capture *c);
/* The current position of the window's top left corner on the screen.  False: it is not shown. */
bool window_capture_origin(struct window_capture *c, struct point *ret_at);
/* Whether any part of it is at this place on the screen. */
bool window_capture_is_at(const struct window_capture *c, struct point at);
/* Whether this child of the root is the window's frame, or one of its menus or dialogs. */
bool window_capture_owns(const struct window_capture *c, Window child);
/* Whether the window, or one inside it or its dialogs, is this one. */
bool window_capture_holds(const struct window_capture *c, Window window);

#define WINDOW_CAPTURE_RECTS_MAX 512

#endif

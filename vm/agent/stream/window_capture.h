#ifndef VM_AGENT_WINDOW_WINDOW_CAPTURE_H
#define VM_AGENT_WINDOW_WINDOW_CAPTURE_H

#include "vm/agent/x11/shm_capture.h"

/*
 * The picture of one window with its menus and dialogs, and of nothing else: whatever lies over it
 * is not in it, and where the window has not painted since it was first looked at, covered or not,
 * it is plain.  It is as large as the window, and while a menu or a dialog reaches beyond that, as
 * both together, but never larger than the screen.
 */

struct window_capture;

struct window_capture_handlers {
	/* Something may be new; not again before the next window_capture_refresh(). */
	void (*changed)(void *data);
	/* Windows or the focus have changed places. */
	void (*restacked)(void *data);
	/* The window, or the display, is no more: once.  window_capture_free() is allowed inside. */
	void (*ended)(const struct err *why, void *data);
};

/* id: a managed window, of windows_list().  ERR_NOT_FOUND: it is gone. */
struct window_capture *window_capture_new(struct display *d, Window id,
	const struct window_capture_handlers *handlers, void *data, struct err *err) NODISCARD;
void window_capture_free(struct window_capture *c); /* NULL-safe */

/* Takes what is new into the picture, which stays as it is until the next call. */
void window_capture_refresh(struct window_capture *c);
const struct image *window_capture_picture(const struct window_capture *c);
/* Where the picture's corner is, seen from the window's: a menu may begin left of it. */
struct point window_capture_offset(const struct window_capture *c);
/* What has changed since it was last taken, as at most max rectangles within the picture; what does
 * not fit stays for the next call. */
size_t window_capture_take(struct window_capture *c, struct rect *ret_rects, size_t max);
/* As if it had changed. */
void window_capture_touch(struct window_capture *c, struct rect area);

Window window_capture_window(const struct window_capture *c);
/* Where the window's top left corner is on the screen, now.  False: it is not shown. */
bool window_capture_origin(struct window_capture *c, struct point *ret_at);
/* Whether there is any of it at this place on the screen. */
bool window_capture_is_at(const struct window_capture *c, struct point at);
/* Whether this child of the root is the window's frame, or one of its menus or dialogs. */
bool window_capture_owns(const struct window_capture *c, Window child);
/* Whether the window, or one inside of it or of its dialogs, is this one. */
bool window_capture_holds(const struct window_capture *c, Window window);

#define WINDOW_CAPTURE_RECTS_MAX 512

#endif

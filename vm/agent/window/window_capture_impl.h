#ifndef VM_AGENT_WINDOW_WINDOW_CAPTURE_IMPL_H
#define VM_AGENT_WINDOW_WINDOW_CAPTURE_IMPL_H

/* Shared by window_capture.c, window_members.c and window_part.c. */

#include "vm/agent/window/tile_map.h"
#include "vm/agent/window/window_capture.h"

#include <X11/Xutil.h>

#define WINDOW_PARTS_MAX 24

/* The window itself, or one that belongs to it. */
struct window_part {
	Window id, frame;
	struct point at; /* of its inside, on the screen */
	struct size size;
	int border, depth;
	bool passing; /* a menu: not managed */
	bool viewable, damaged;
	Damage damage;
	Pixmap pixmap;       /* None: must be named again */
	struct image shadow; /* what it has painted */
	Region missing;      /* what it has not painted since the start; NULL: nothing */
};

struct window_capture {
	struct display *display;
	struct display_listener listener;
	const struct window_capture_handlers *handlers;
	void *data;
	struct grab *grab;
	struct window_part parts[WINDOW_PARTS_MAX]; /* the first is the window; then upwards */
	int n_parts;
	bool stale; /* positions and sizes must be queried again */
	bool told;
	struct rect box; /* of everything that is shown, on the screen */
	uint64_t layout; /* of the current picture */
	struct tile_map tiles;
};

/* ---- window_part.c: the pixels of one window ---- */

/* Position of the part's corner in the picture. */
struct point window_part_place(const struct window_capture *c, const struct window_part *part);
/* Queries its position and size.  False: it has closed. */
bool window_part_measure(struct window_capture *c, struct window_part *part);
/* Copies what has been painted; the damage of a hidden window stays until it is shown. region: any,
 * for the server's answer. */
void window_part_take_damage(
	struct window_capture *c, struct window_part *part, XserverRegion region);
/* Frees what it has here. */
void window_part_done(struct window_part *part);
/* Stops capturing part i and removes it.  gone: the window has closed. */
void window_part_drop(struct window_capture *c, int i, bool gone);

/* ---- window_members.c: the windows that belong to it ---- */

/* False: it has closed, is already known, or exceeds the limit. */
bool window_members_add(struct window_capture *c, Window id, bool passing);
/* Adds open dialogs and menus. */
void window_members_search(struct window_capture *c);
/* Notifies the owner, once until the next refresh.  stale: positions and sizes may have changed. */
void window_members_changed(struct window_capture *c, bool stale);
/* For the display_listener; data is the capture. */
void window_members_on_event(const XEvent *event, void *data);
void window_members_on_closing(const struct err *why, void *data);

#endif

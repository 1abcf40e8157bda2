#ifndef VM_AGENT_WINDOW_WINDOW_CAPTURE_IMPL_H
#define VM_AGENT_WINDOW_WINDOW_CAPTURE_IMPL_H

/* What window_capture.c, window_members.c and window_part.c share. */

#include "vm/agent/stream/tile_map.h"
#include "vm/agent/stream/window_capture.h"

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
	Pixmap pixmap;       /* None: to be named again */
	struct image shadow; /* what it has painted */
};

struct window_capture {
	struct display *display;
	struct display_listener listener;
	const struct window_capture_handlers *handlers;
	void *data;
	struct grab *grab;
	struct window_part parts[WINDOW_PARTS_MAX]; /* the first is the window; then upwards */
	int n_parts;
	bool stale; /* places and sizes are to be asked for again */
	bool told;
	struct rect box; /* of all that is shown, on the screen */
	uint64_t layout; /* as the picture has it */
	struct tile_map tiles;
};

/* ---- window_part.c: the pixels of one window ---- */

/* Where the part's corner is in the picture. */
struct point window_part_place(const struct window_capture *c, const struct window_part *part);
/* Asks where it is and how large.  False: it is gone. */
bool window_part_measure(struct window_capture *c, struct window_part *part);
/* Copies what has been painted; the damage of a window that is not shown stays until it is.
 * region: any, for the server's answer. */
void window_part_take_damage(
	struct window_capture *c, struct window_part *part, XserverRegion region);
/* Stops capturing part i and removes it.  gone: the window does not exist any longer. */
void window_part_drop(struct window_capture *c, int i, bool gone);

/* ---- window_members.c: which windows belong to it ---- */

/* False: it is gone, known already, or one too many. */
bool window_members_add(struct window_capture *c, Window id, bool passing);
/* Adds the dialogs and menus that are open. */
void window_members_search(struct window_capture *c);
/* Tells the owner, once until the next refresh.  stale: places and sizes may differ. */
void window_members_changed(struct window_capture *c, bool stale);
/* For the display_listener, data being the capture. */
void window_members_on_event(const XEvent *event, void *data);
void window_members_on_closing(const struct err *why, void *data);

#endif

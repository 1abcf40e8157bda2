#ifndef VM_AGENT_X11_DISPLAY_H
#define VM_AGENT_X11_DISPLAY_H

#include "base/err.h"
#include "vm/agent/x11/connect.h"
#include "vm/agent/x11/layout.h"
#include "vm/wire/geometry.h"

#include <X11/Xlib.h>
#include <X11/extensions/Xdamage.h>
#include <X11/extensions/Xfixes.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * The X connection, and a second one for a record.  Nothing else of the agent opens one.  X errors
 * are caught, never fatal: wrap requests that may meet a dying window in
 * display_trap()/display_untrap().  A lost connection is reported from the loop, and every call on a
 * lost display fails. Requests are flushed, and events that Xlib has already read are delivered,
 * before the loop sleeps: callers need not care.
 */

struct display;

struct display_handlers {
	void (*event)(const XEvent *event, void *data); /* every event that the display does not eat
							   itself */
	void (*screen_changed)(
		uint64_t frame_id, void *data); /* damage came in; once per batch of events read */
	void (*lost)(
		const struct err *why, void *data); /* once; display_close() is allowed inside */
};

/* Takes the connections, checks the extensions needed, selects root events (structure and property
 * changes), starts damage tracking. */
struct display *display_open(sd_event *event, struct connections *made,
	const struct display_handlers *handlers, void *data, struct err *err) NODISCARD;
void display_close(struct display *d); /* NULL-safe */

Display *display_x(struct display *d);
/* Another connection, for what keeps its own from all else (RECORD); NULL: it is lost. */
Display *display_recorder(struct display *d);
Window display_root(struct display *d);
struct size display_size(struct display *d);
bool display_is_lost(const struct display *d);
uint64_t display_frame_id(const struct display
		*d); /* counts screen changes (XDamage); never repeats within an agent's life */

void display_trap(struct display *d);
/* Waits for the server's answer to everything sent since the trap; false when one of the requests
 * failed (err set) or the display is lost. */
bool display_untrap(struct display *d, struct err *err);

/* ---- for the parts that live as long as the display ---- */

/* Hears what happens on the display; any member may be NULL.  The struct stays the caller's. */
struct display_listener {
	void (*event)(const XEvent *event, void *data);
	void (*damaged)(
		const XRectangle *area, void *data); /* in screen pixels, within the screen */
	void (*cursor)(void *data); /* the pointer's image is another one */
	void (*closing)(
		const struct err *why, void *data); /* last call; the display may be lost already */
	void *data;
	struct display_listener *next;
};

void display_listen(struct display *d, struct display_listener *listener);
void display_unlisten(
	struct display *d, struct display_listener *listener); /* allowed inside any callback */

/* The event, if it tells of damage; that of the screen is eaten, other windows' are listeners'. */
const XDamageNotifyEvent *display_damage(const struct display *d, const XEvent *event);

/* Listeners hear each move of the pointer, whoever makes it, while more have asked for that than
 * have done so with false.  False: the server cannot tell. */
bool display_watch_motion(struct display *d, bool on);
bool display_is_motion(const struct display *d, const XEvent *event);

/* The event, if it tells of a selection's owner, for those that have asked XFixes for that. */
const XFixesSelectionNotifyEvent *display_selection(const struct display *d, const XEvent *event);

/* A window of ours that is never shown; its property changes are reported as events. */
Window display_helper(struct display *d);
sd_event *display_loop(struct display *d);
uint64_t display_cursor_serial(const struct display *d); /* moves with the pointer's image */
struct layout *display_layout(struct display *d);

/*
 * Counts the damage, cursor and keyboard events that Xlib has read but the loop has not come to
 * yet, so that the counters are true as of the last round trip.
 */
void display_catch_up(struct display *d);

/* The atoms that are needed, fetched in one round trip. */
enum display_atom {
	ATOM_WM_PROTOCOLS,
	ATOM_NET_WM_PING,
	ATOM_NET_SUPPORTING_WM_CHECK,
	ATOM_NET_REQUEST_FRAME_EXTENTS,
	ATOM_NET_FRAME_EXTENTS,
	ATOM_VITRINE_KEYS_APART,
	DISPLAY_ATOMS,
};
Atom display_atom(const struct display *d, enum display_atom atom);

/* None: the window is a child of the root, or gone.  One round trip. */
Window display_parent(struct display *d, Window window);

#endif

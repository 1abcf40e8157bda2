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
 * The X connection, and a second one for RECORD.  Only this part opens connections.  X errors are
 * never fatal: wrap requests about windows that may close in display_trap()/display_untrap().  A
 * lost connection is reported from the loop, and every call on a lost display fails. Requests are
 * flushed, and events that Xlib has already read are delivered, before the loop sleeps.
 */

struct display;

struct display_handlers {
	/* every event that the display does not consume itself */
	void (*event)(const XEvent *event, void *data);
	void (*screen_changed)(
		uint64_t frame_id, void *data); /* damage was reported; once per batch of events */
	/* The screen has this size now.  Called while events are read, inside requests too. */
	void (*resized)(struct size size, void *data);
	void (*lost)(
		const struct err *why, void *data); /* once; display_close() is allowed inside */
};

/* Takes the connections, checks required extensions, selects root events (structure and property
 * changes), and starts damage tracking. */
struct display *display_open(sd_event *event, struct connections *made,
	const struct display_handlers *handlers, void *data, struct err *err) NODISCARD;
void display_close(struct display *d); /* NULL-safe */

Display *display_x(struct display *d);
/* The second connection, for RECORD, which blocks it; NULL: lost. */
Display *display_recorder(struct display *d);
/* For what its callbacks may still use while it is closed: freed after that.  Takes memory. */
void display_free_later(struct display *d, void *memory);
Window display_root(struct display *d);
struct size display_size(struct display *d);
/* The first frame with this size; frames before it have other coordinates.  0: it has not changed since the
 * connection was made. */
uint64_t display_resized_frame(const struct display *d);
bool display_is_lost(const struct display *d);
/* Sets the error of what needs the X server while that is being restarted; false. */
bool display_is_restarting(struct err *err);
/* Whether there is a display (not NULL) that is not lost; else sets that error. */
bool display_is_up(const struct display *d, struct err *err) NODISCARD;
uint64_t display_frame_id(const struct display
		*d); /* counts screen changes (XDamage); never repeats within an agent's life */

/* A frame id above this one, and above all before. */
uint64_t display_skip_frame(uint64_t frame_id);

void display_trap(struct display *d);
/* Waits until the server has processed everything since the trap; false if one of the requests
 * failed (err set) or the display is lost. */
bool display_untrap(struct display *d, struct err *err);

/* ---- for parts that live as long as the display ---- */

/* A listener for events of the display; any member may be NULL.  The caller keeps the struct. */
struct display_listener {
	void (*event)(const XEvent *event, void *data);
	void (*damaged)(
		const XRectangle *area, void *data); /* in screen pixels, clipped to the screen */
	void (*cursor)(void *data);                  /* the pointer's image has changed */
	void (*closing)(const struct err *why, void *data); /* last call; the display may be lost */
	void *data;
	struct display_listener *next;
};

void display_listen(struct display *d, struct display_listener *listener);
void display_unlisten(
	struct display *d, struct display_listener *listener); /* allowed inside any callback */

/* Returns the event if it is a damage event; the screen's are consumed, other windows' are for
 * listeners. */
const XDamageNotifyEvent *display_damage(const struct display *d, const XEvent *event);

/* Listeners receive each move of the pointer, by any client, while the calls with true outnumber
 * those with false.  False: not supported by the server. */
bool display_watch_motion(struct display *d, bool on);
bool display_is_motion(const struct display *d, const XEvent *event);

/* Returns the event if it is about a selection's owner, for those that have requested it from
 * XFixes. */
const XFixesSelectionNotifyEvent *display_selection(const struct display *d, const XEvent *event);

/* An invisible window of the agent; its property changes are reported as events. */
Window display_helper(struct display *d);
sd_event *display_loop(struct display *d);
uint64_t display_cursor_serial(const struct display *d); /* changes with the pointer's image */
struct layout *display_layout(struct display *d);

/*
 * Counts the damage, cursor, keyboard and size events that Xlib has read but the loop has not
 * processed, so that the counters and the size are valid as of the last round trip.
 */
void display_catch_up(struct display *d);
/* A round trip and display_catch_up(); false: the X server is being restarted. */
bool display_refresh(struct display *d, struct err *err) NODISCARD;

/*
 * Grabs the server, so that other clients cannot paint, until display_release().  Damage that the
 * caller's requests cause in between is not counted as a change of the screen.  Only for requests
 * that leave the pixels as they are.
 */
void display_hold(struct display *d);
void display_release(struct display *d);

/* The required atoms, fetched in one round trip. */
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

/* None: the window is a child of the root, or has closed.  One round trip. */
Window display_parent(struct display *d, Window window);
Window display_focus(struct display *d); /* may be None or PointerRoot */

#endif

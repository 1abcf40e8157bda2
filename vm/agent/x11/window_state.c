#include "vm/agent/x11/window_state.h"

#include "vm/agent/x11/display.h"

#include <X11/Xutil.h>

#define STATES_MAX 32
#define PAGER 2 /* source indication: on behalf of the user */

enum { NET_STATE, HIDDEN, FULLSCREEN, MAX_VERT, MAX_HORZ, DESKTOP, WM_STATE, ACTIVE, MOVE, CLOSE };
static const char *const names[] = {
	[NET_STATE] = "_NET_WM_STATE",
	[HIDDEN] = "_NET_WM_STATE_HIDDEN",
	[FULLSCREEN] = "_NET_WM_STATE_FULLSCREEN",
	[MAX_VERT] = "_NET_WM_STATE_MAXIMIZED_VERT",
	[MAX_HORZ] = "_NET_WM_STATE_MAXIMIZED_HORZ",
	[DESKTOP] = "_NET_WM_DESKTOP",
	[WM_STATE] = "WM_STATE",
	[ACTIVE] = "_NET_ACTIVE_WINDOW",
	[MOVE] = "_NET_MOVERESIZE_WINDOW",
	[CLOSE] = "_NET_CLOSE_WINDOW",
};

static Atom atom(struct display *d, int which)
{
	return XInternAtom(display_x(d), names[which], False);
}

/* ---- reading ---- */

static enum window_state net_state(struct display *d, Window id)
{
	size_t n = 0;
	bool has[MAX_HORZ + 1] = { false };
	Atom *states = windows_property(d, id, atom(d, NET_STATE), 32, STATES_MAX, &n);
	for (size_t i = 0; states && i < n; i++) {
		for (int k = HIDDEN; k <= MAX_HORZ; k++) {
			has[k] |= states[i] == atom(d, k);
		}
	}
	if (states) {
		XFree(states);
	}
	return has[HIDDEN]                      ? WINDOW_MINIMIZED
	       : has[FULLSCREEN]                ? WINDOW_FULLSCREEN
	       : has[MAX_VERT] && has[MAX_HORZ] ? WINDOW_MAXIMIZED
						: WINDOW_PLAIN;
}

static unsigned long number(struct display *d, Window id, int which, unsigned long otherwise)
{
	size_t n;
	unsigned long *value = windows_property(d, id, atom(d, which), 32, 1, &n);
	unsigned long found = value ? *value : otherwise;
	if (value) {
		XFree(value);
	}
	return found;
}

void window_state_read(struct display *d, Window id, struct window_info *info)
{
	bool iconic = number(d, id, WM_STATE, NormalState) == IconicState;
	unsigned long desktop = number(d, id, DESKTOP, 0) & UINT32_MAX;
	info->state = iconic ? WINDOW_MINIMIZED : net_state(d, id);
	info->desktop = desktop == UINT32_MAX ? -1 : (int64_t)desktop;
}

/* ---- asking ---- */

static void ask(struct display *d, Window id, int which, const long data[5])
{
	XEvent event = { .xclient = {
				 .type = ClientMessage,
				 .window = id,
				 .message_type = atom(d, which),
				 .format = 32,
			 } };
	for (int i = 0; i < 5; i++) {
		event.xclient.data.l[i] = data[i];
	}
	XSendEvent(display_x(d), display_root(d), False,
		SubstructureNotifyMask | SubstructureRedirectMask, &event);
}

void window_ask_focus(struct display *d, Window id)
{
	ask(d, id, ACTIVE, (const long[5]){ PAGER, CurrentTime });
}

void window_ask_close(struct display *d, Window id)
{
	ask(d, id, CLOSE, (const long[5]){ CurrentTime, PAGER });
}

static void ask_net_state(struct display *d, Window id, bool on, int first, int second)
{
	ask(d, id, NET_STATE,
		(const long[5]){
			on, (long)atom(d, first), second ? (long)atom(d, second) : 0, PAGER });
}

void window_ask_state(struct display *d, Window id, enum window_state state)
{
	if (state == WINDOW_MINIMIZED) {
		XIconifyWindow(display_x(d), id, DefaultScreen(display_x(d)));
		return;
	}
	XMapWindow(display_x(d), id); /* that is how a minimized one comes back (ICCCM 4.1.4) */
	ask_net_state(d, id, state == WINDOW_FULLSCREEN, FULLSCREEN, 0);
	if (state != WINDOW_FULLSCREEN) {
		ask_net_state(d, id, state == WINDOW_MAXIMIZED, MAX_VERT, MAX_HORZ);
	}
}

void window_ask_place(struct display *d, Window id, const struct point *at, const struct size *size)
{
	enum { HAS_PLACE = 3 << 8, HAS_SIZE = 3 << 10 };
	/* StaticGravity would do, but openbox adds the border that the window had at first. */
	size_t n = 0;
	long *extents = windows_property(d, id, display_atom(d, ATOM_NET_FRAME_EXTENTS), 32, 4, &n);
	struct point frame = { n == 4 ? (int)extents[0] : 0, n == 4 ? (int)extents[2] : 0 };
	if (extents) {
		XFree(extents);
	}
	long flags = NorthWestGravity | (at ? HAS_PLACE : 0) | (size ? HAS_SIZE : 0) | PAGER << 12;
	ask(d, id, MOVE,
		(const long[5]){ flags, at ? at->x - frame.x : 0, at ? at->y - frame.y : 0,
			size ? size->width : 0, size ? size->height : 0 });
}

/*
 * Waits until another client has caught up.  All kinds of waits are one object with one listener
 * and one timer; they differ in what ends them.
 */
#include "vm/agent/x11/client_sync.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <X11/Xatom.h>
#include <X11/Xutil.h>

#define CLIMB_MAX 8 /* maximum depth of a toolkit's focus window in its top-level window */
#define PING_BASE 0x56540000u /* distinguishes our pings from a window manager's */
/*
 * After the first answer it has acted on the input; the resulting focus events precede the second
 * request in its queue, and some window managers act on those, too.
 */
#define WM_ROUNDS 2
#define WM_MS 250       /* one that has not answered yet may never do so */
#define BUSY_WM_MS 2000 /* one that has answered before is only slow */
#define LEAST_MS 400    /* a client that cannot be asked: minimum wait */
#define QUIET_MS 250    /* and until it has painted nothing for this long */

struct client_sync {
	struct display *display;
	struct display_listener listener;
	sd_event_source *timer;
	client_sync_fn *fn;
	void *data;
	Window window; /* the pinged one; None: no ping */
	uint32_t ping;
	bool watches_paint;
	int wm_rounds; /* answers of the window manager to wait for */
	Window wm;     /* which is asked; None: whichever there is */
	bool moves;    /* ... to move our window; else for a frame's extents */
	int wm_place;  /* ... to there */
	uint64_t painted_us, ends_us;
};

static uint32_t pings;
static Window silent_wm;    /* did not move our window in time, so it is asked for extents */
static Window answering_wm; /* has answered in either way */

static void finish(struct client_sync *s, enum client_sync_answer answer)
{
	client_sync_fn *fn = s->fn;
	s->fn = NULL;
	if (fn) {
		fn(answer, s->data);
	}
}

static bool is_pong(const struct client_sync *s, const XEvent *event)
{
	const XClientMessageEvent *m = &event->xclient;
	return event->type == ClientMessage && m->format == 32 &&
	       m->message_type == display_atom(s->display, ATOM_WM_PROTOCOLS) &&
	       (Atom)m->data.l[0] == display_atom(s->display, ATOM_NET_WM_PING) &&
	       (uint32_t)m->data.l[1] == s->ping;
}

/* A closed window reads nothing. */
static bool is_end(const struct client_sync *s, const XEvent *event)
{
	return event->type == DestroyNotify && event->xdestroywindow.window == s->window;
}

static bool is_extents(const struct client_sync *s, const XEvent *event)
{
	return event->type == PropertyNotify &&
	       event->xproperty.window == display_helper(s->display) &&
	       event->xproperty.atom == display_atom(s->display, ATOM_NET_FRAME_EXTENTS);
}

static bool is_moved(const struct client_sync *s, const XEvent *event)
{
	return event->type == ConfigureNotify &&
	       event->xconfigure.window == display_helper(s->display) &&
	       event->xconfigure.x == s->wm_place;
}

static bool is_wm_answer(const struct client_sync *s, const XEvent *event)
{
	return s->moves ? is_moved(s, event) : is_extents(s, event);
}

static void ask_for_extents(struct display *d)
{
	XEvent ask = { .xclient = {
			       .type = ClientMessage,
			       .window = display_helper(d),
			       .message_type = display_atom(d, ATOM_NET_REQUEST_FRAME_EXTENTS),
			       .format = 32,
		       } };
	XSendEvent(display_x(d), display_root(d), False,
		SubstructureNotifyMask | SubstructureRedirectMask, &ask);
}

/*
 * A window manager must grant requests of unmanaged windows (ICCCM 4.1.5): one request, while
 * openbox makes 19 round trips to determine a frame's extents.
 */
static void ask_to_move(struct client_sync *s)
{
	static int places;
	struct display *d = s->display;
	s->wm_place = -2 - (places++ & 0xfff);
	XEvent ask = { .xconfigurerequest = {
			       .type = ConfigureRequest,
			       .parent = display_root(d),
			       .window = display_helper(d),
			       .x = s->wm_place,
			       .y = -1,
			       .width = 1,
			       .height = 1,
			       .value_mask = CWX,
		       } };
	XSendEvent(display_x(d), display_root(d), False,
		SubstructureNotifyMask | SubstructureRedirectMask, &ask);
}

static void ask_wm(struct client_sync *s)
{
	if (s->moves) {
		ask_to_move(s);
	} else {
		ask_for_extents(s->display);
	}
}

static void on_event(const XEvent *event, void *data)
{
	struct client_sync *s = data;
	bool answered = s->window && (is_pong(s, event) || is_end(s, event));
	if (s->wm_rounds > 0 && is_wm_answer(s, event)) {
		answering_wm = s->wm ? s->wm : answering_wm;
		answered = --s->wm_rounds == 0;
		if (!answered) {
			ask_wm(s);
		}
	}
	if (answered) {
		finish(s, CLIENT_SYNC_ANSWERED);
	}
}

static void on_damaged(const XRectangle *area, void *data)
{
	(void)area;
	struct client_sync *s = data;
	uint64_t now = loop_now_us();
	s->painted_us = now > s->painted_us ? now : s->painted_us;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	(void)usec;
	struct client_sync *s = data;
	uint64_t now = loop_now_us(), quiet_at = s->painted_us + QUIET_MS * 1000;
	if (s->watches_paint && now < quiet_at && now < s->ends_us) {
		sd_event_source_set_time(source, quiet_at);
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
		return 0;
	}
	silent_wm = s->moves && s->wm != answering_wm ? s->wm : silent_wm;
	finish(s, s->watches_paint ? CLIENT_SYNC_ANSWERED : CLIENT_SYNC_SILENT);
	return 0;
}

static struct client_sync *client_sync_new(
	struct display *d, uint64_t ms, client_sync_fn *fn, void *data)
{
	struct client_sync *s = must(calloc(1, sizeof(*s)));
	*s = (struct client_sync){ .display = d, .fn = fn, .data = data };
	s->ends_us = loop_now_us() + ms * 1000;
	s->timer = loop_after_ms(display_loop(d), ms, on_timer, s);
	s->listener =
		(struct display_listener){ .event = on_event, .damaged = on_damaged, .data = s };
	display_listen(d, &s->listener);
	return s;
}

void client_sync_free(struct client_sync *s)
{
	if (s) {
		loop_drop(&s->timer);
		display_unlisten(s->display, &s->listener);
		free(s);
	}
}

/* ---- focused client ---- */

static bool answers_pings(struct display *d, Window window)
{
	Atom *protocols = NULL;
	int n = 0;
	bool found = false;
	if (!XGetWMProtocols(display_x(d), window, &protocols, &n)) {
		return false;
	}
	for (int i = 0; i < n; i++) {
		found |= protocols[i] == display_atom(d, ATOM_NET_WM_PING);
	}
	XFree(protocols);
	return found;
}

/* The focused window is often a child of the one with the protocols. */
static Window find_pingable(struct display *d)
{
	Window window = display_focus(d);
	for (int i = 0; i < CLIMB_MAX && window > PointerRoot; i++) {
		if (answers_pings(d, window)) {
			return window;
		}
		window = display_parent(d, window);
	}
	return None;
}

static bool send_ping(struct client_sync *s)
{
	Display *x = display_x(s->display);
	XWindowAttributes attributes;
	s->ping = PING_BASE + (pings++ & 0xffff);
	XEvent ping = { .xclient = {
				.type = ClientMessage,
				.window = s->window,
				.message_type = display_atom(s->display, ATOM_WM_PROTOCOLS),
				.format = 32,
			} };
	ping.xclient.data.l[0] = (long)display_atom(s->display, ATOM_NET_WM_PING);
	ping.xclient.data.l[1] = (long)s->ping;
	ping.xclient.data.l[2] = (long)s->window;
	/* Its end must be reported; other parts of the agent may watch the window, too. */
	if (!XGetWindowAttributes(x, s->window, &attributes)) {
		return false;
	}
	XSelectInput(x, s->window, attributes.your_event_mask | StructureNotifyMask);
	return XSendEvent(x, s->window, False, NoEventMask, &ping) != 0;
}

/* window: None: the one with the focus. */
static struct client_sync *ping(
	struct display *d, Window window, uint64_t ms, client_sync_fn *fn, void *data)
{
	struct client_sync *s = client_sync_new(d, ms, fn, data);
	struct err err;
	display_trap(d);
	s->window = !window ? find_pingable(d) : answers_pings(d, window) ? window : None;
	bool sent = s->window && send_ping(s);
	/* It may have closed in the meantime. */
	if (!display_untrap(d, &err) || !sent) {
		client_sync_free(s);
		return NULL;
	}
	return s;
}

struct client_sync *client_sync_focus(
	struct display *d, uint64_t ms, client_sync_fn *fn, void *data)
{
	return ping(d, None, ms, fn, data);
}

struct client_sync *client_sync_window(
	struct display *d, Window window, uint64_t ms, client_sync_fn *fn, void *data)
{
	return ping(d, window, ms, fn, data);
}

bool client_sync_can_ask(struct display *d)
{
	struct err ignored;
	display_trap(d);
	Window window = find_pingable(d);
	return display_untrap(d, &ignored) && window;
}

struct client_sync *client_sync_paint(
	struct display *d, uint64_t ms, client_sync_fn *fn, void *data)
{
	struct client_sync *s = client_sync_new(d, ms, fn, data);
	s->watches_paint = true;
	s->painted_us = loop_now_us() + (LEAST_MS - QUIET_MS) * 1000;
	sd_event_source_set_time(s->timer, s->painted_us + QUIET_MS * 1000);
	return s;
}

/* ---- window manager ---- */

static Window window_property(struct display *d, Window window, Atom name)
{
	Atom type;
	int format;
	unsigned long n = 0, left;
	unsigned char *value = NULL;
	Window found = None;
	if (XGetWindowProperty(display_x(d), window, name, 0, 1, False, XA_WINDOW, &type, &format,
		    &n, &left, &value) == Success &&
		format == 32 && n == 1) {
		found = (Window) * (unsigned long *)(void *)value;
	}
	if (value) {
		XFree(value);
	}
	return found;
}

static Window wm_window(struct display *d)
{
	return window_property(d, display_root(d), display_atom(d, ATOM_NET_SUPPORTING_WM_CHECK));
}

static struct client_sync *await_wm(
	struct display *d, Window wm, int rounds, client_sync_fn *fn, void *data)
{
	uint64_t ms = wm && wm == answering_wm ? BUSY_WM_MS : WM_MS;
	struct client_sync *s = client_sync_new(d, ms, fn, data);
	s->wm = wm;
	s->moves = wm && wm != silent_wm;
	s->wm_rounds = rounds;
	ask_wm(s);
	return s;
}

struct client_sync *client_sync_window_manager(struct display *d, client_sync_fn *fn, void *data)
{
	Window wm = wm_window(d);
	return wm ? await_wm(d, wm, WM_ROUNDS, fn, data) : NULL;
}

struct client_sync *client_sync_liveness(struct display *d, client_sync_fn *fn, void *data)
{
	return await_wm(d, None, 1, fn, data);
}

/* A grab can be detected only by trying one; a window that is not shown never gets one. */
bool client_sync_keyboard_is_grabbed(struct display *d)
{
	int status = XGrabKeyboard(
		display_x(d), display_helper(d), False, GrabModeAsync, GrabModeAsync, CurrentTime);
	return status == AlreadyGrabbed;
}

bool client_sync_has_focus(struct display *d)
{
	Window window = display_focus(d);
	/* Window managers set the focus to a window of their own when no other has it. */
	if (window != None && (window == PointerRoot || window != wm_window(d))) {
		return true;
	}
	return client_sync_keyboard_is_grabbed(d);
}

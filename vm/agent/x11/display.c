/*
 * The X connection, on the loop.  Xlib may read events into its own queue during any round
 * trip, where epoll cannot see them: a prepare step looks there before every sleep, and flushes.
 * Damage is asked for as delta rectangles, and the damage region is emptied once per batch: a busy
 * screen costs a few events per batch instead of one per drawing request.
 */
#include "vm/agent/x11/display.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <X11/Xutil.h>
#include <X11/extensions/XInput2.h>
#include <X11/extensions/XTest.h>
#include <X11/extensions/Xdamage.h>
#include <X11/extensions/Xfixes.h>
#include <sys/epoll.h>

/* A walk over the listeners that is under way; walks nest when a listener causes further events. */
struct tour {
	struct display_listener *upcoming;
	struct tour *outer;
};

struct display {
	sd_event *event;
	Display *x, *recorder;
	bool recorder_lost;
	Window root;
	struct size size;
	const struct display_handlers *handlers;
	void *data;
	sd_event_source *readable, *queued;
	int damage_base, fixes_base;
	int input_opcode; /* of XInput; 0: not asked for yet, -1: none */
	int motion_watchers;
	Damage damage;
	bool damaged, lost, lost_told;
	uint64_t announced, cursor_serial;
	struct layout layout;
	bool trapping;
	unsigned long trap_serial;
	XErrorEvent trapped; /* error_code 0: none yet */
	struct display_listener *listeners;
	struct tour *tours;
	Window helper;
	Atom atoms[DISPLAY_ATOMS];
	struct display *next;
};

/* Xlib's error handlers know only a Display: the open ones, to find ours. */
static struct display *open_displays;
/* Shared, so that a number never comes back when the X server was restarted. */
static uint64_t frame_counter;

static const char *const atom_names[DISPLAY_ATOMS] = {
	[ATOM_WM_PROTOCOLS] = "WM_PROTOCOLS",
	[ATOM_NET_WM_PING] = "_NET_WM_PING",
	[ATOM_NET_SUPPORTING_WM_CHECK] = "_NET_SUPPORTING_WM_CHECK",
	[ATOM_NET_REQUEST_FRAME_EXTENTS] = "_NET_REQUEST_FRAME_EXTENTS",
	[ATOM_NET_FRAME_EXTENTS] = "_NET_FRAME_EXTENTS",
	[ATOM_VITRINE_KEYS_APART] = "_VITRINE_KEYS_APART",
};

static struct display *find(Display *x)
{
	struct display *d = open_displays;
	while (d && d->x != x) {
		d = d->next;
	}
	return d;
}

static int on_x_error(Display *x, XErrorEvent *event)
{
	struct display *d = find(x);
	if (d && d->trapping && event->serial >= d->trap_serial) {
		if (!d->trapped.error_code) {
			d->trapped = *event;
		}
	} else {
		log_debug("X error %d on request %d.%d, resource 0x%lx", event->error_code,
			event->request_code, event->minor_code, event->resourceid);
	}
	return 0;
}

static int on_io_error(Display *x)
{
	(void)x;
	return 0;
}

/* Called by Xlib where it would exit, deep inside any of its functions: only notes the fact. */
static void on_io_exit(Display *x, void *data)
{
	(void)x;
	struct display *d = data;
	d->lost = true;
	if (d->queued) {
		sd_event_source_set_enabled(d->queued, SD_EVENT_ONESHOT);
	}
}

static void on_recorder_exit(Display *x, void *data)
{
	(void)x;
	struct display *d = data;
	d->recorder_lost = true;
}

/* ---- events ---- */

static void tell(
	struct display *d, const XEvent *event, const XRectangle *area, const struct err *why)
{
	struct tour tour = { .outer = d->tours };
	d->tours = &tour;
	for (struct display_listener *l = d->listeners; l; l = tour.upcoming) {
		tour.upcoming = l->next;
		if (event && l->event) {
			l->event(event, l->data);
		} else if (area && l->damaged) {
			l->damaged(area, l->data);
		} else if (why && l->closing) {
			l->closing(why, l->data);
		}
	}
	d->tours = tour.outer;
}

static void on_damage(struct display *d, const XDamageNotifyEvent *event)
{
	int x0 = event->area.x > 0 ? event->area.x : 0;
	int y0 = event->area.y > 0 ? event->area.y : 0;
	int x1 = event->area.x + event->area.width, y1 = event->area.y + event->area.height;
	x1 = x1 < d->size.width ? x1 : d->size.width;
	y1 = y1 < d->size.height ? y1 : d->size.height;
	if (x0 >= x1 || y0 >= y1) {
		return;
	}
	d->damaged = true;
	XRectangle area = { (short)x0, (short)y0, (unsigned short)(x1 - x0),
		(unsigned short)(y1 - y0) };
	tell(d, NULL, &area, NULL);
}

/* From here on further damage is reported again; sent before any capture that follows. */
static void count_damage(struct display *d)
{
	if (d->damaged) {
		d->damaged = false;
		frame_counter++;
		XDamageSubtract(d->x, d->damage, None, None);
	}
}

const XDamageNotifyEvent *display_damage(const struct display *d, const XEvent *event)
{
	bool is = event->type == d->damage_base + XDamageNotify;
	return is ? (const XDamageNotifyEvent *)event : NULL;
}

const XFixesSelectionNotifyEvent *display_selection(const struct display *d, const XEvent *event)
{
	bool is = event->type == d->fixes_base + XFixesSelectionNotify;
	return is ? (const XFixesSelectionNotifyEvent *)event : NULL;
}

/* True for what only moves a counter, and may therefore be taken out of turn. */
static bool count_event(struct display *d, const XEvent *event)
{
	const XDamageNotifyEvent *damage = display_damage(d, event);
	if (damage && damage->damage == d->damage) {
		on_damage(d, damage);
		return true;
	}
	if (event->type == d->fixes_base + XFixesCursorNotify) {
		d->cursor_serial++;
		return true;
	}
	if (layout_is_event(&d->layout, event)) {
		layout_count(&d->layout, event);
		return true;
	}
	return false;
}

static void handle(struct display *d, const XEvent *event)
{
	if (count_event(d, event)) {
		return;
	}
	if (event->type == ConfigureNotify && event->xconfigure.window == d->root) {
		d->size = (struct size){ event->xconfigure.width, event->xconfigure.height };
		frame_counter++;
	}
	tell(d, event, NULL, NULL);
	if (d->handlers->event) {
		d->handlers->event(event, d->data);
	}
}

static void announce(struct display *d)
{
	if (d->announced == frame_counter) {
		return;
	}
	d->announced = frame_counter;
	if (d->handlers->screen_changed) {
		d->handlers->screen_changed(frame_counter, d->data);
	}
}

static void report_lost(struct display *d)
{
	if (d->lost_told) {
		return;
	}
	d->lost_told = true;
	sd_event_source_set_enabled(d->readable, SD_EVENT_OFF);
	struct err why;
	err_set(&why, ERR_STATE, "the connection to the X server was lost");
	tell(d, NULL, NULL, &why);
	if (d->handlers->lost) {
		d->handlers->lost(&why, d->data);
	}
}

/* One batch: what is here now, so that a server that never stops cannot hold the loop. */
static void pump(struct display *d)
{
	int n = d->lost ? 0 : XEventsQueued(d->x, QueuedAfterReading);
	/* A handler may have caught up with some of them already. */
	for (int i = 0; i < n && !d->lost && XEventsQueued(d->x, QueuedAlready) > 0; i++) {
		XEvent event;
		XNextEvent(d->x, &event);
		handle(d, &event);
	}
	if (!d->lost) {
		count_damage(d);
		announce(d);
	}
	if (d->lost) {
		report_lost(d);
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	pump(data);
	return 0;
}

static int on_queued(sd_event_source *source, void *data)
{
	(void)source;
	pump(data);
	return 0;
}

static int before_sleep(sd_event_source *source, void *data)
{
	(void)source;
	struct display *d = data;
	if (!d->lost) {
		XFlush(d->x);
	}
	if (!d->lost_told && (d->lost || XEventsQueued(d->x, QueuedAlready) > 0)) {
		sd_event_source_set_enabled(d->queued, SD_EVENT_ONESHOT);
	}
	return 0;
}

static Bool is_countable(Display *x, XEvent *event, XPointer data)
{
	(void)x;
	const struct display *d = (const void *)data;
	const XDamageNotifyEvent *damage = display_damage(d, event);
	return (damage && damage->damage == d->damage) ||
	       event->type == d->fixes_base + XFixesCursorNotify ||
	       layout_is_event(&d->layout, event);
}

void display_catch_up(struct display *d)
{
	XEvent event;
	while (!d->lost && XEventsQueued(d->x, QueuedAlready) > 0 &&
		XCheckIfEvent(d->x, &event, is_countable, (XPointer)d)) {
		(void)count_event(d, &event);
	}
	if (d->lost) {
		return;
	}
	count_damage(d);
	if (d->announced != frame_counter) {
		sd_event_source_set_enabled(d->queued, SD_EVENT_ONESHOT);
	}
}

/* ---- traps ---- */

void display_trap(struct display *d)
{
	d->trapping = true;
	d->trap_serial = NextRequest(d->x);
	d->trapped = (XErrorEvent){ 0 };
}

bool display_untrap(struct display *d, struct err *err)
{
	/* A round trip at the end of the trap has already brought every error. */
	if (!d->lost && LastKnownRequestProcessed(d->x) + 1 < NextRequest(d->x)) {
		XSync(d->x, False);
	}
	d->trapping = false;
	if (d->lost) {
		return err_set(
			err, ERR_STATE, "the X server is being restarted; try again in a second");
	}
	if (!d->trapped.error_code) {
		return true;
	}
	char text[128];
	XGetErrorText(d->x, d->trapped.error_code, text, sizeof(text));
	enum err_kind kind =
		d->trapped.error_code == BadWindow || d->trapped.error_code == BadDrawable
			? ERR_NOT_FOUND
			: ERR_STATE;
	return err_set(err, kind, "the X server refused a request (%d.%d) on 0x%lx: %s",
		d->trapped.request_code, d->trapped.minor_code, d->trapped.resourceid, text);
}

/* ---- opening and closing ---- */

static bool check_extensions(struct display *d, struct err *err)
{
	int unused;
	const char *missing = NULL;
	if (!XTestQueryExtension(d->x, &unused, &unused, &unused, &unused)) {
		missing = "XTEST";
	} else if (!XDamageQueryExtension(d->x, &d->damage_base, &unused)) {
		missing = "DAMAGE";
	} else if (!XFixesQueryExtension(d->x, &d->fixes_base, &unused)) {
		missing = "XFIXES";
	} else if (!layout_has_xkb(&d->layout, d->x)) {
		missing = "XKEYBOARD";
	}
	if (missing) {
		return err_set(err, ERR_UNSUPPORTED, "the X server has no %s extension", missing);
	}
	/* Both extensions answer nothing before they were asked for their version. */
	XDamageQueryVersion(d->x, &unused, &unused);
	XFixesQueryVersion(d->x, &unused, &unused);
	return true;
}

static void select_events(struct display *d)
{
	XSelectInput(
		d->x, d->root, StructureNotifyMask | SubstructureNotifyMask | PropertyChangeMask);
	XSetWindowAttributes with = { .override_redirect = True, .event_mask = PropertyChangeMask };
	d->helper = XCreateWindow(d->x, d->root, -1, -1, 1, 1, 0, 0, InputOnly, CopyFromParent,
		CWOverrideRedirect | CWEventMask, &with);
	XFixesSelectCursorInput(d->x, d->root, XFixesDisplayCursorNotifyMask);
	layout_watch(d->x);
	d->damage = XDamageCreate(d->x, d->root, XDamageReportDeltaRectangles);
}

static void watch(struct display *d)
{
	d->readable = loop_add_io(d->event, ConnectionNumber(d->x), EPOLLIN, on_readable, d);
	d->queued = loop_defer(d->event, on_queued, d);
	sd_event_source_set_prepare(d->readable, before_sleep);
}

/* Another client's grab of the server stops nothing that comes after the first moment. */
static Display *open_unstoppable(const char *name)
{
	Display *x = XOpenDisplay(name);
	if (x) {
		XTestGrabControl(x, True);
		XFlush(x);
	}
	return x;
}

struct display *display_open(sd_event *event, const char *name,
	const struct display_handlers *handlers, void *data, struct err *err)
{
	XSetErrorHandler(on_x_error);
	XSetIOErrorHandler(on_io_error);
	Display *x = open_unstoppable(name);
	if (!x) {
		err_set(err, ERR_HOST, "no X server answers on display %s", name);
		return NULL;
	}
	struct display *d = must(calloc(1, sizeof(*d)));
	d->recorder = open_unstoppable(name);
	if (d->recorder) {
		XSetIOErrorExitHandler(d->recorder, on_recorder_exit, d);
	}
	d->event = sd_event_ref(event);
	d->x = x;
	d->root = DefaultRootWindow(x);
	d->size = (struct size){ DisplayWidth(x, DefaultScreen(x)),
		DisplayHeight(x, DefaultScreen(x)) };
	d->handlers = handlers;
	d->data = data;
	d->announced = ++frame_counter;
	d->next = open_displays;
	open_displays = d;
	XSetIOErrorExitHandler(x, on_io_exit, d);
	if (!check_extensions(d, err)) {
		display_close(d);
		return NULL;
	}
	XInternAtoms(x, (char **)(uintptr_t)atom_names, DISPLAY_ATOMS, False, d->atoms);
	select_events(d);
	watch(d);
	display_trap(d);
	if (!display_untrap(d, err)) {
		display_close(d);
		return NULL;
	}
	return d;
}

static void forget(struct display *d)
{
	for (struct display **at = &open_displays; *at; at = &(*at)->next) {
		if (*at == d) {
			*at = d->next;
			return;
		}
	}
}

void display_close(struct display *d)
{
	if (!d) {
		return;
	}
	struct err why;
	err_set(&why, ERR_STATE, "the display was closed");
	tell(d, NULL, NULL, &why);
	loop_drop(&d->readable);
	loop_drop(&d->queued);
	XCloseDisplay(d->x);
	if (d->recorder) {
		XCloseDisplay(d->recorder);
	}
	forget(d);
	sd_event_unref(d->event);
	free(d);
}

/* ---- the pointer's moves ---- */

static void ask_for_input(struct display *d)
{
	int event, error, major = 2, minor = 1; /* grabs hide nothing from then on */
	if (!XQueryExtension(d->x, "XInputExtension", &d->input_opcode, &event, &error) ||
		XIQueryVersion(d->x, &major, &minor) != Success) {
		d->input_opcode = -1;
	}
}

bool display_watch_motion(struct display *d, bool on)
{
	unsigned char mask[XIMaskLen(XI_LASTEVENT)] = { 0 };
	XIEventMask select = { XIAllMasterDevices, sizeof(mask), mask };
	if (d->input_opcode == 0 && !d->lost) {
		ask_for_input(d);
	}
	d->motion_watchers += on ? 1 : -1;
	if (d->input_opcode < 0 || d->lost) {
		return false;
	}
	if (d->motion_watchers > 0) {
		XISetMask(mask, XI_RawMotion);
	}
	XISelectEvents(d->x, d->root, &select, 1);
	return true;
}

bool display_is_motion(const struct display *d, const XEvent *event)
{
	return event->type == GenericEvent && event->xcookie.extension == d->input_opcode &&
	       event->xcookie.evtype == XI_RawMotion;
}

/* ---- the small questions ---- */

void display_listen(struct display *d, struct display_listener *listener)
{
	listener->next = d->listeners;
	d->listeners = listener;
}

void display_unlisten(struct display *d, struct display_listener *listener)
{
	for (struct display_listener **at = &d->listeners; *at; at = &(*at)->next) {
		if (*at == listener) {
			*at = listener->next;
			for (struct tour *tour = d->tours; tour; tour = tour->outer) {
				if (tour->upcoming == listener) {
					tour->upcoming = listener->next;
				}
			}
			return;
		}
	}
}

Display *display_x(struct display *d)
{
	return d->x;
}

Display *display_recorder(struct display *d)
{
	return d->recorder_lost || d->lost ? NULL : d->recorder;
}

Window display_root(struct display *d)
{
	return d->root;
}

Window display_helper(struct display *d)
{
	return d->helper;
}

struct size display_size(struct display *d)
{
	return d->size;
}

bool display_is_lost(const struct display *d)
{
	return d->lost;
}

uint64_t display_frame_id(const struct display *d)
{
	(void)d;
	return frame_counter;
}

sd_event *display_loop(struct display *d)
{
	return d->event;
}

uint64_t display_cursor_serial(const struct display *d)
{
	return d->cursor_serial;
}

struct layout *display_layout(struct display *d)
{
	return &d->layout;
}

Atom display_atom(const struct display *d, enum display_atom atom)
{
	return d->atoms[atom];
}

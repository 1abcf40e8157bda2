/* The X connection: opening, closing, and errors of its requests. */
#include "vm/agent/x11/display_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <X11/extensions/XTest.h>
#include <X11/extensions/Xdamage.h>
#include <X11/extensions/Xfixes.h>

/* Xlib's error handlers get only a Display, so this list maps it to ours. */
static struct display *open_displays;

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

/* Called by Xlib instead of exiting, deep inside any of its functions: only records the fact. */
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

/* ---- traps ---- */

void display_trap(struct display *d)
{
	d->trapping = true;
	d->trap_serial = NextRequest(d->x);
	d->trapped = (XErrorEvent){ 0 };
}

bool display_untrap(struct display *d, struct err *err)
{
	/* A round trip at the end of the trap has already delivered all errors. */
	if (!d->lost && LastKnownRequestProcessed(d->x) + 1 < NextRequest(d->x)) {
		XSync(d->x, False);
	}
	d->trapping = false;
	if (d->lost) {
		return display_is_restarting(err);
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
	/* Both extensions answer only after their version was queried. */
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

struct display *display_open(sd_event *event, struct connections *made,
	const struct display_handlers *handlers, void *data, struct err *err)
{
	Display *x = made->x;
	if (!x) {
		err_set(err, ERR_HOST, "the X server does not respond");
		return NULL;
	}
	XSetErrorHandler(on_x_error);
	struct display *d = must(calloc(1, sizeof(*d)));
	d->recorder = made->recorder;
	*made = (struct connections){ 0 };
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
	d->announced = display_next_frame();
	d->next = open_displays;
	open_displays = d;
	XSetIOErrorExitHandler(x, on_io_exit, d);
	if (!check_extensions(d, err)) {
		display_close(d);
		return NULL;
	}
	XInternAtoms(x, (char **)(uintptr_t)atom_names, DISPLAY_ATOMS, False, d->atoms);
	select_events(d);
	display_watch(d);
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
	display_notify_closing(d, &why);
	loop_drop(&d->readable);
	loop_drop(&d->queued);
	XCloseDisplay(d->x);
	if (d->recorder) {
		XCloseDisplay(d->recorder);
	}
	for (size_t i = 0; i < d->n_kept; i++) {
		free(d->kept[i]);
	}
	free(d->kept);
	forget(d);
	sd_event_unref(d->event);
	free(d);
}

/* ---- small queries ---- */

Display *display_x(struct display *d)
{
	return d->x;
}

void display_free_later(struct display *d, void *memory)
{
	d->kept = must(reallocarray(d->kept, d->n_kept + 1, sizeof(*d->kept)));
	d->kept[d->n_kept++] = memory;
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

uint64_t display_resized_frame(const struct display *d)
{
	return d->resized;
}

bool display_is_lost(const struct display *d)
{
	return d->lost;
}

bool display_is_restarting(struct err *err)
{
	return err_set(err, ERR_STATE, "the X server is being restarted; try again in a second");
}

bool display_is_up(const struct display *d, struct err *err)
{
	return (d && !d->lost) || display_is_restarting(err);
}

bool display_refresh(struct display *d, struct err *err)
{
	if (!display_is_up(d, err)) {
		return false;
	}
	XSync(d->x, False);
	display_catch_up(d);
	return display_is_up(d, err);
}

Window display_focus(struct display *d)
{
	Window focus = None;
	int revert;
	XGetInputFocus(d->x, &focus, &revert);
	return focus;
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

Window display_parent(struct display *d, Window window)
{
	Window root, parent = None, *children = NULL;
	unsigned n;
	if (!XQueryTree(display_x(d), window, &root, &parent, &children, &n)) {
		return None;
	}
	if (children) {
		XFree(children);
	}
	return parent == root ? None : parent;
}

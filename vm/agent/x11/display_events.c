/*
 * The events of a display in the loop.  Xlib may read events into its queue during any round trip,
 * where epoll cannot see them: a prepare step checks it before every sleep, and flushes. Damage is
 * requested as delta rectangles, and the damage region is emptied once per batch: a busy screen
 * costs a few events per batch instead of one per drawing request.
 */
#include "vm/agent/x11/display_impl.h"

#include "base/loop.h"

#include <X11/extensions/XInput2.h>
#include <X11/extensions/Xfixes.h>
#include <sys/epoll.h>

/* Shared, so that numbers do not repeat after a restart of the X server. */
static uint64_t frame_counter;

uint64_t display_next_frame(void)
{
	return ++frame_counter;
}

uint64_t display_skip_frame(uint64_t frame_id)
{
	frame_counter = frame_counter > frame_id ? frame_counter : frame_id;
	return display_next_frame();
}

/* ---- events ---- */

static void notify(
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
		} else if (!event && !area && !why && l->cursor) {
			l->cursor(l->data);
		}
	}
	d->tours = tour.outer;
}

void display_notify_closing(struct display *d, const struct err *why)
{
	notify(d, NULL, NULL, why);
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
	notify(d, NULL, &area, NULL);
}

/* Further damage is reported from here on; sent before any later capture. */
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

static bool is_root_configured(const struct display *d, const XEvent *event)
{
	/* Any program may send one. */
	return event->type == ConfigureNotify && event->xconfigure.window == d->root &&
	       !event->xconfigure.send_event;
}

/* All of the screen counts as changed: the X server reports no damage where it became smaller. */
static void on_root_configured(struct display *d, const XConfigureEvent *event)
{
	struct size size = { event->width, event->height };
	const XRectangle all = { 0, 0, (unsigned short)size.width, (unsigned short)size.height };
	if (size_equal(size, d->size)) {
		return;
	}
	d->size = size;
	d->resized = display_next_frame();
	d->damaged = true;
	if (d->handlers->resized) {
		d->handlers->resized(size, d->data);
	}
	notify(d, NULL, &all, NULL);
}

/* True for events that only tell a number, and may therefore be processed out of order. */
static bool count_event(struct display *d, const XEvent *event)
{
	const XDamageNotifyEvent *damage = display_damage(d, event);
	if (damage && damage->damage == d->damage) {
		on_damage(d, damage);
		return true;
	}
	if (event->type == d->fixes_base + XFixesCursorNotify) {
		d->cursor_serial++;
		notify(d, NULL, NULL, NULL);
		return true;
	}
	if (layout_is_event(&d->layout, event)) {
		layout_count(&d->layout, event);
		return true;
	}
	if (is_root_configured(d, event)) {
		on_root_configured(d, &event->xconfigure);
		return true;
	}
	return false;
}

static void handle(struct display *d, const XEvent *event)
{
	if (count_event(d, event)) {
		return;
	}
	notify(d, event, NULL, NULL);
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
	if (d->lost_reported) {
		return;
	}
	d->lost_reported = true;
	sd_event_source_set_enabled(d->readable, SD_EVENT_OFF);
	struct err why;
	err_set(&why, ERR_STATE, "the connection to the X server was lost");
	display_notify_closing(d, &why);
	if (d->handlers->lost) {
		d->handlers->lost(&why, d->data);
	}
}

/* One batch, so that a busy server cannot block the loop. */
static void pump(struct display *d)
{
	int n = d->lost ? 0 : XEventsQueued(d->x, QueuedAfterReading);
	/* A handler may have processed some of them. */
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
	if (!d->lost_reported && (d->lost || XEventsQueued(d->x, QueuedAlready) > 0)) {
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
	       layout_is_event(&d->layout, event) || is_root_configured(d, event);
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

void display_hold(struct display *d)
{
	XGrabServer(d->x);
	XSync(d->x, False);
	display_catch_up(d);
}

static Bool is_screen_damage(Display *x, XEvent *event, XPointer data)
{
	(void)x;
	const struct display *d = (const void *)data;
	const XDamageNotifyEvent *damage = display_damage(d, event);
	return damage && damage->damage == d->damage;
}

void display_release(struct display *d)
{
	XEvent ignored;
	XSync(d->x, False);
	while (!d->lost && XCheckIfEvent(d->x, &ignored, is_screen_damage, (XPointer)d)) {
		continue;
	}
	if (!d->lost) {
		XDamageSubtract(d->x, d->damage, None, None);
		XUngrabServer(d->x);
	}
}

/* ---- listeners ---- */

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

uint64_t display_frame_id(const struct display *d)
{
	(void)d;
	return frame_counter;
}

void display_watch(struct display *d)
{
	d->readable = loop_add_io(d->event, ConnectionNumber(d->x), EPOLLIN, on_readable, d);
	d->queued = loop_defer(d->event, on_queued, d);
	sd_event_source_set_prepare(d->readable, before_sleep);
}

/* ---- pointer motion ---- */

static void ask_for_input(struct display *d)
{
	int event, error, major = 2, minor = 1; /* grabs hide no events from then on */
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

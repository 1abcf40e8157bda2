/* Which windows belong to a capture: found at its start and as events tell of them. */
#include "vm/agent/window/window_capture_impl.h"

#include "vm/agent/x11/window_group.h"
#include "vm/agent/x11/windows.h"

#include <X11/Xutil.h>
#include <X11/extensions/Xcomposite.h>

static struct window_part *find(struct window_capture *c, Window id)
{
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].id == id) {
			return &c->parts[i];
		}
	}
	return NULL;
}

/*
 * The grab: nothing may come to lie over the window between its first damage, which is what is
 * visible of it, and its redirection.  A part that comes later is asked to paint all of itself: it
 * may be visible before it has painted anything.
 */
bool window_members_add(struct window_capture *c, Window id, bool passing)
{
	Display *x = display_x(c->display);
	struct window_part part = { .id = id, .passing = passing, .damaged = true };
	struct err err;
	if (c->n_parts == WINDOW_PARTS_MAX || find(c, id)) {
		return false;
	}
	display_trap(c->display);
	XGrabServer(x);
	part.damage = XDamageCreate(x, id, XDamageReportNonEmpty);
	XCompositeRedirectWindow(x, id, CompositeRedirectAutomatic);
	XUngrabServer(x);
	bool measured = window_part_measure(c, &part);
	if (!display_untrap(c->display, &err) || !measured) {
		window_part_done(&part);
		return false;
	}
	if (c->n_parts > 0) {
		XDamageSubtract(x, part.damage, None, None);
		window_group_expose(c->display, id);
	}
	c->parts[c->n_parts++] = part;
	return true;
}

void window_members_changed(struct window_capture *c, bool stale)
{
	c->stale = c->stale || stale;
	if (!c->told) {
		c->told = true;
		c->handlers->changed(c->data);
	}
}

static void consider(struct window_capture *c, Window id, bool passing)
{
	if (!find(c, id) && window_group_belongs(c->display, id, c->parts[0].id, passing) &&
		window_members_add(c, id, passing)) {
		window_members_changed(c, true);
	}
}

static void look_for_dialogs(struct window_capture *c)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(c->display, ids);
	for (size_t i = 0; i < n; i++) {
		consider(c, ids[i], false);
	}
}

/* Menus that are open already. */
static void look_for_menus(struct window_capture *c)
{
	Window root, parent, *children = NULL;
	unsigned n = 0;
	if (XQueryTree(display_x(c->display), display_root(c->display), &root, &parent, &children,
		    &n)) {
		for (unsigned i = 0; i < n; i++) {
			consider(c, children[i], true);
		}
	}
	if (children) {
		XFree(children);
	}
}

void window_members_search(struct window_capture *c)
{
	look_for_dialogs(c);
	look_for_menus(c);
}

/* ---- events ---- */

static void tell_end(struct window_capture *c, const struct err *why)
{
	c->handlers->ended(why, c->data);
}

static void on_gone(struct window_capture *c, Window id, bool destroyed)
{
	struct window_part *part = find(c, id);
	if (!part) {
		return;
	}
	if (part == &c->parts[0] && destroyed) {
		struct err why;
		err_set(&why, ERR_NOT_FOUND, "the window was closed");
		tell_end(c, &why); /* frees */
		return;
	}
	if (part != &c->parts[0] && (part->passing || destroyed)) {
		window_part_drop(c, (int)(part - c->parts), destroyed);
	}
	window_members_changed(c, true);
}

static bool is_mine(const struct window_capture *c, Window id)
{
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].id == id || c->parts[i].frame == id) {
			return true;
		}
	}
	return false;
}

static void on_property(struct window_capture *c, const XPropertyEvent *event)
{
	if (event->window == display_root(c->display)) {
		look_for_dialogs(c);
		c->handlers->restacked(c->data);
	}
}

void window_members_on_event(const XEvent *event, void *data)
{
	struct window_capture *c = data;
	const XDamageNotifyEvent *damage = display_damage(c->display, event);
	if (damage) {
		struct window_part *part = find(c, damage->drawable);
		if (part && part->damage == damage->damage) {
			part->damaged = true;
			window_members_changed(c, false);
		}
		return;
	}
	switch (event->type) {
	case MapNotify:
		if (event->xmap.override_redirect) {
			consider(c, event->xmap.window, true);
		}
		if (is_mine(c, event->xmap.window)) {
			window_members_changed(c, true);
		}
		c->handlers->restacked(c->data);
		break;
	case ConfigureNotify:
	case ReparentNotify:
		if (is_mine(c, event->xany.window) || is_mine(c, event->xconfigure.window)) {
			window_members_changed(c, true);
		}
		c->handlers->restacked(c->data);
		break;
	case UnmapNotify:
		on_gone(c, event->xunmap.window, false);
		break;
	case DestroyNotify:
		on_gone(c, event->xdestroywindow.window, true);
		break;
	case PropertyNotify:
		on_property(c, &event->xproperty);
		break;
	default:
		if (display_is_motion(c->display, event)) {
			window_members_changed(c, false);
		}
		break;
	}
}

void window_members_on_closing(const struct err *why, void *data)
{
	tell_end(data, why);
}

/*
 * Each window in a view is redirected (Composite), so that it is painted whole even where others
 * cover it.  Its pixels are copied only where damage says that it was painted; the first damage, of
 * a window that was there before, is what was visible of it, and the server asks the program for
 * the rest.  So pixels that some other window left in the same memory are never copied.
 *
 * Copies of the parts are laid over each other in the picture, in tiles, which also keep what has
 * changed.
 */
#include "vm/agent/window/window_capture.h"

#include "base/cleanup.h"
#include "vm/agent/window/tiles.h"
#include "vm/agent/x11/window_group.h"
#include "vm/agent/x11/windows.h"

#include <X11/Xutil.h>
#include <X11/extensions/Xcomposite.h>
#include <string.h>

#define PARTS_MAX 24

/* The window itself, or one that belongs to it. */
struct part {
	Window id, frame;
	struct point at; /* of its inside, on the screen */
	struct size size;
	int border, depth;
	bool passing; /* a menu: not managed */
	bool viewable, damaged;
	Damage damage;
	Pixmap pixmap;       /* None: to be named anew */
	struct image shadow; /* what it has painted */
};

struct view {
	struct display *display;
	struct display_listener listener;
	const struct view_handlers *handlers;
	void *data;
	struct grab *grab;
	struct part parts[PARTS_MAX]; /* the first is the window; then upwards */
	int n_parts;
	bool stale; /* places and sizes are to be asked for again */
	bool told;
	struct rect box; /* of all that is shown, on the screen */
	uint64_t layout; /* as the picture has it */
	struct mosaic mosaic;
};

/* ---- parts ---- */

static struct point place_of(const struct view *v, const struct part *part)
{
	return (struct point){ part->at.x - v->box.x, part->at.y - v->box.y };
}

static void mark_part(struct view *v, const struct part *part)
{
	struct point at = place_of(v, part);
	mosaic_mark(&v->mosaic,
		(struct rect){ at.x, at.y, part->shadow.size.width, part->shadow.size.height },
		MOSAIC_FRESH);
}

static void drop_pixmap(struct view *v, struct part *part)
{
	if (part->pixmap) {
		XFreePixmap(display_x(v->display), part->pixmap);
		part->pixmap = None;
	}
}

/* The server is told only while it is there; a window that is gone took its damage along. */
static void drop_part(struct view *v, int i, bool gone)
{
	struct part *part = &v->parts[i];
	if (!display_is_lost(v->display)) {
		drop_pixmap(v, part);
		if (!gone) {
			XDamageDestroy(display_x(v->display), part->damage);
			XCompositeUnredirectWindow(
				display_x(v->display), part->id, CompositeRedirectAutomatic);
		}
	}
	mark_part(v, part);
	free(part->shadow.pixels);
	v->n_parts--;
	memmove(part, part + 1, (size_t)(v->n_parts - i) * sizeof(*part));
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* Asks where it is and how large.  False: it is gone. */
static bool measure(struct view *v, struct part *part)
{
	Display *x = display_x(v->display);
	struct size screen = display_size(v->display);
	XWindowAttributes attributes;
	Window child;
	if (!XGetWindowAttributes(x, part->id, &attributes)) {
		return false;
	}
	XTranslateCoordinates(
		x, part->id, display_root(v->display), 0, 0, &part->at.x, &part->at.y, &child);
	part->frame = part->passing ? part->id : family_top(v->display, part->id);
	part->viewable = attributes.map_state == IsViewable;
	part->border = attributes.border_width;
	part->depth = attributes.depth;
	part->size.width = smaller(attributes.width, screen.width);
	part->size.height = smaller(attributes.height, screen.height);
	drop_pixmap(v, part);
	if (part->shadow.size.width != part->size.width ||
		part->shadow.size.height != part->size.height) {
		mosaic_resize_image(&part->shadow, part->size);
	}
	return true;
}

static struct rect rect_of(const struct part *part)
{
	return (struct rect){ part->at.x, part->at.y, part->size.width, part->size.height };
}

/* What both are in, but no larger than the screen. */
static struct rect join(struct rect a, struct rect b, struct size screen)
{
	int x0 = smaller(a.x, b.x), y0 = smaller(a.y, b.y);
	int x1 = -smaller(-a.x - a.width, -b.x - b.width);
	int y1 = -smaller(-a.y - a.height, -b.y - b.height);
	return (struct rect){ x0, y0, smaller(x1 - x0, screen.width),
		smaller(y1 - y0, screen.height) };
}

static void fit_box(struct view *v)
{
	struct rect box = rect_of(&v->parts[0]);
	for (int i = 1; i < v->n_parts; i++) {
		if (v->parts[i].viewable) {
			box = join(box, rect_of(&v->parts[i]), display_size(v->display));
		}
	}
	if (box.width != v->box.width || box.height != v->box.height) {
		mosaic_resize(&v->mosaic, (struct size){ box.width, box.height });
	}
	v->box = box;
}

/* Changes with whatever would make the picture another one, painting apart. */
static uint64_t layout_of(const struct view *v)
{
	uint64_t sum = 14695981039346656037u;
	for (int i = 0; i < v->n_parts; i++) {
		const struct part *part = &v->parts[i];
		struct point at = place_of(v, part);
		const uint64_t values[] = { part->id, (uint32_t)at.x, (uint32_t)at.y,
			(uint32_t)part->size.width, (uint32_t)part->size.height, part->viewable };
		for (size_t k = 0; k < sizeof(values) / sizeof(*values); k++) {
			sum = (sum ^ values[k]) * 1099511628211u;
		}
	}
	return sum;
}

static void measure_all(struct view *v)
{
	v->stale = false;
	for (int i = v->n_parts - 1; i >= 0; i--) {
		if (!measure(v, &v->parts[i]) && i > 0) {
			drop_part(v, i, true);
		}
	}
	fit_box(v);
	uint64_t layout = layout_of(v);
	if (layout != v->layout) {
		v->layout = layout;
		mosaic_mark_all(&v->mosaic, MOSAIC_FRESH);
	}
}

/* ---- pixels ---- */

static struct rect within(const XRectangle *area, struct size size)
{
	int x0 = area->x > 0 ? area->x : 0, y0 = area->y > 0 ? area->y : 0;
	int x1 = smaller(area->x + area->width, size.width);
	int y1 = smaller(area->y + area->height, size.height);
	return (struct rect){ x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0 };
}

static bool have_pixmap(struct view *v, struct part *part)
{
	struct err err;
	if (!part->pixmap && part->viewable) {
		display_trap(v->display);
		Pixmap pixmap = XCompositeNameWindowPixmap(display_x(v->display), part->id);
		part->pixmap = display_untrap(v->display, &err) ? pixmap : None;
	}
	return part->pixmap;
}

/* Only the rectangles, out of all that lies between them. */
static void copy_painted(
	struct view *v, struct part *part, const XRectangle *areas, int n, const XRectangle *bounds)
{
	struct rect all = within(bounds, part->size);
	struct rect from = { all.x + part->border, all.y + part->border, all.width, all.height };
	struct image pixels;
	struct err err;
	if (all.width == 0 || all.height == 0 ||
		!grab_pixels(v->grab, part->pixmap, part->depth, from, &pixels, &err)) {
		return;
	}
	struct point at = place_of(v, part);
	for (int i = 0; i < n; i++) {
		struct rect area = within(&areas[i], part->size);
		mosaic_copy(&part->shadow, &pixels, (struct point){ all.x, all.y }, area);
		area.x += at.x;
		area.y += at.y;
		mosaic_mark(&v->mosaic, area, MOSAIC_FRESH);
	}
}

/* The damage of a window that is not shown stays until it is. */
static void take_damage(struct view *v, struct part *part, XserverRegion region)
{
	Display *x = display_x(v->display);
	XRectangle bounds;
	int n = 0;
	if (!have_pixmap(v, part)) {
		return;
	}
	part->damaged = false;
	XDamageSubtract(x, part->damage, None, region);
	XRectangle *areas = XFixesFetchRegionAndBounds(x, region, &n, &bounds);
	if (areas) {
		copy_painted(v, part, areas, n, &bounds);
		XFree(areas);
	}
}

static void take_all_damage(struct view *v)
{
	XserverRegion region = None;
	for (int i = 0; i < v->n_parts; i++) {
		if (v->parts[i].damaged) {
			region = region ? region
					: XFixesCreateRegion(display_x(v->display), NULL, 0);
			take_damage(v, &v->parts[i], region);
		}
	}
	if (region) {
		XFixesDestroyRegion(display_x(v->display), region);
	}
}

static void lay(struct view *v, struct rect area)
{
	const struct image *to = &v->mosaic.picture;
	if (v->n_parts > 1) { /* there may be something beside the window */
		mosaic_clear(to, area);
	}
	for (int i = 0; i < v->n_parts; i++) {
		const struct part *part = &v->parts[i];
		if (i == 0 || part->viewable) {
			mosaic_copy(to, &part->shadow, place_of(v, part), area);
		}
	}
}

void view_refresh(struct view *v)
{
	struct rect tile;
	v->told = false;
	if (display_is_lost(v->display)) {
		return;
	}
	if (v->stale) {
		measure_all(v);
	}
	take_all_damage(v);
	while (mosaic_next(&v->mosaic, &tile)) {
		lay(v, tile);
	}
}

size_t view_take(struct view *v, struct rect *ret_rects, size_t max)
{
	return mosaic_take(&v->mosaic, ret_rects, max);
}

void view_touch(struct view *v, struct rect area)
{
	mosaic_mark(&v->mosaic, area, MOSAIC_CHANGED);
}

const struct image *view_picture(const struct view *v)
{
	return &v->mosaic.picture;
}

struct point view_offset(const struct view *v)
{
	const struct part *window = &v->parts[0];
	return (struct point){ v->box.x - window->at.x, v->box.y - window->at.y };
}

/* ---- who belongs to it ---- */

static struct part *find_part(struct view *v, Window id)
{
	for (int i = 0; i < v->n_parts; i++) {
		if (v->parts[i].id == id) {
			return &v->parts[i];
		}
	}
	return NULL;
}

/*
 * The grab: nothing may come to lie over the window between its first damage, which is what is
 * visible of it, and its redirection.  A part that comes later is asked to paint all of itself: it
 * may be visible before it has painted anything.
 */
static bool add_part(struct view *v, Window id, bool passing)
{
	Display *x = display_x(v->display);
	struct part part = { .id = id, .passing = passing };
	struct err err;
	if (v->n_parts == PARTS_MAX || find_part(v, id)) {
		return false;
	}
	display_trap(v->display);
	XGrabServer(x);
	part.damage = XDamageCreate(x, id, XDamageReportNonEmpty);
	XCompositeRedirectWindow(x, id, CompositeRedirectAutomatic);
	XUngrabServer(x);
	bool measured = measure(v, &part);
	if (!display_untrap(v->display, &err) || !measured) {
		free(part.shadow.pixels);
		return false;
	}
	if (v->n_parts > 0) {
		XDamageSubtract(x, part.damage, None, None);
		family_expose(v->display, id);
	}
	v->parts[v->n_parts++] = part;
	return true;
}

static void news(struct view *v, bool stale)
{
	v->stale = v->stale || stale;
	if (!v->told) {
		v->told = true;
		v->handlers->changed(v->data);
	}
}

static void consider(struct view *v, Window id, bool passing)
{
	if (!find_part(v, id) && family_belongs(v->display, id, v->parts[0].id, passing) &&
		add_part(v, id, passing)) {
		news(v, true);
	}
}

static void look_for_dialogs(struct view *v)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(v->display, ids);
	for (size_t i = 0; i < n; i++) {
		consider(v, ids[i], false);
	}
}

/* Menus that are open already. */
static void look_for_menus(struct view *v)
{
	Window root, parent, *children = NULL;
	unsigned n = 0;
	if (XQueryTree(display_x(v->display), display_root(v->display), &root, &parent, &children,
		    &n)) {
		for (unsigned i = 0; i < n; i++) {
			consider(v, children[i], true);
		}
	}
	if (children) {
		XFree(children);
	}
}

/* ---- events ---- */

static void tell_end(struct view *v, const struct err *why)
{
	v->handlers->ended(why, v->data);
}

static void on_gone(struct view *v, Window id, bool destroyed)
{
	struct part *part = find_part(v, id);
	if (!part) {
		return;
	}
	if (part == &v->parts[0] && destroyed) {
		struct err why;
		err_set(&why, ERR_NOT_FOUND, "the window was closed");
		tell_end(v, &why); /* frees */
		return;
	}
	if (part != &v->parts[0] && (part->passing || destroyed)) {
		drop_part(v, (int)(part - v->parts), destroyed);
	}
	news(v, true);
}

static bool is_mine(const struct view *v, Window id)
{
	for (int i = 0; i < v->n_parts; i++) {
		if (v->parts[i].id == id || v->parts[i].frame == id) {
			return true;
		}
	}
	return false;
}

static void on_property(struct view *v, const XPropertyEvent *event)
{
	if (event->window == display_root(v->display)) {
		look_for_dialogs(v);
		v->handlers->restacked(v->data);
	}
}

static void on_event(const XEvent *event, void *data)
{
	struct view *v = data;
	const XDamageNotifyEvent *damage = display_damage(v->display, event);
	if (damage) {
		struct part *part = find_part(v, damage->drawable);
		if (part && part->damage == damage->damage) {
			part->damaged = true;
			news(v, false);
		}
		return;
	}
	switch (event->type) {
	case MapNotify:
		if (event->xmap.override_redirect) {
			consider(v, event->xmap.window, true);
		}
		if (is_mine(v, event->xmap.window)) {
			news(v, true);
		}
		v->handlers->restacked(v->data);
		break;
	case ConfigureNotify:
	case ReparentNotify:
		if (is_mine(v, event->xany.window) || is_mine(v, event->xconfigure.window)) {
			news(v, true);
		}
		v->handlers->restacked(v->data);
		break;
	case UnmapNotify:
		on_gone(v, event->xunmap.window, false);
		break;
	case DestroyNotify:
		on_gone(v, event->xdestroywindow.window, true);
		break;
	case PropertyNotify:
		on_property(v, &event->xproperty);
		break;
	default:
		if (display_is_motion(v->display, event)) {
			news(v, false);
		}
		break;
	}
}

static void on_closing(const struct err *why, void *data)
{
	tell_end(data, why);
}

/* ---- questions ---- */

Window view_window(const struct view *v)
{
	return v->parts[0].id;
}

bool view_origin(struct view *v, struct point *ret_at)
{
	if (v->stale) {
		measure_all(v);
		news(v, false);
	}
	*ret_at = v->parts[0].at;
	return v->parts[0].viewable;
}

bool view_is_at(const struct view *v, struct point at)
{
	for (int i = 0; i < v->n_parts; i++) {
		const struct part *part = &v->parts[i];
		if (part->viewable && at.x >= part->at.x && at.y >= part->at.y &&
			at.x < part->at.x + part->size.width &&
			at.y < part->at.y + part->size.height) {
			return true;
		}
	}
	return false;
}

bool view_owns(const struct view *v, Window child)
{
	for (int i = 0; i < v->n_parts; i++) {
		if (v->parts[i].viewable && v->parts[i].frame == child) {
			return true;
		}
	}
	return false;
}

bool view_holds(const struct view *v, Window window)
{
	for (int i = 0; i < v->n_parts; i++) {
		if (v->parts[i].viewable && family_is_inside(v->display, window, v->parts[i].id)) {
			return true;
		}
	}
	return false;
}

/* ---- life ---- */

static bool check(struct display *d, struct err *err)
{
	int event, error;
	if (!XCompositeQueryExtension(display_x(d), &event, &error)) {
		return err_set(err, ERR_UNSUPPORTED,
			"the X server has no Composite extension, so no window can be shown alone");
	}
	return true;
}

/* What others of our parts have asked for on this window stays. */
static void select_events(struct display *d, Window id)
{
	XWindowAttributes attributes;
	if (XGetWindowAttributes(display_x(d), id, &attributes)) {
		XSelectInput(display_x(d), id, attributes.your_event_mask | StructureNotifyMask);
	}
}

struct view *view_new(struct display *d, Window id, const struct view_handlers *handlers,
	void *data, struct err *err)
{
	struct grab *grab = check(d, err) ? grab_new(d, err) : NULL;
	if (!grab) {
		return NULL;
	}
	struct view *v = must(calloc(1, sizeof(*v)));
	v->display = d;
	v->handlers = handlers;
	v->data = data;
	v->grab = grab;
	v->told = true; /* nobody listens yet */
	v->listener =
		(struct display_listener){ .event = on_event, .closing = on_closing, .data = v };
	display_listen(d, &v->listener);
	select_events(d, id);
	if (!add_part(v, id, false)) {
		view_free(v);
		err_set(err, ERR_NOT_FOUND, "the window was closed");
		return NULL;
	}
	look_for_dialogs(v);
	look_for_menus(v);
	measure_all(v);
	return v;
}

void view_free(struct view *v)
{
	if (!v) {
		return;
	}
	display_unlisten(v->display, &v->listener);
	while (v->n_parts > 0) {
		drop_part(v, v->n_parts - 1, false);
	}
	grab_free(v->grab);
	mosaic_done(&v->mosaic);
	free(v);
}

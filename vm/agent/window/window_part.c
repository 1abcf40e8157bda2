/*
 * Each window in a capture is redirected (Composite), so that it is painted whole even where others
 * cover it.  Its pixels are copied only where damage says that it was painted; the first damage, of
 * a window that was there before, is what was visible of it, and the server asks the program for
 * the rest.  So pixels that some other window left in the same memory are never copied.
 */
#include "vm/agent/window/window_capture_impl.h"

#include "base/cleanup.h"
#include "vm/agent/x11/window_group.h"

#include <X11/Xutil.h>
#include <X11/extensions/Xcomposite.h>
#include <string.h>

struct point window_part_place(const struct window_capture *c, const struct window_part *part)
{
	return (struct point){ part->at.x - c->box.x, part->at.y - c->box.y };
}

static void mark(struct window_capture *c, const struct window_part *part)
{
	struct point at = window_part_place(c, part);
	tile_map_mark(&c->tiles,
		(struct rect){ at.x, at.y, part->shadow.size.width, part->shadow.size.height },
		TILE_FRESH);
}

static void drop_pixmap(struct window_capture *c, struct window_part *part)
{
	if (part->pixmap) {
		XFreePixmap(display_x(c->display), part->pixmap);
		part->pixmap = None;
	}
}

void window_part_done(struct window_part *part)
{
	free(part->shadow.pixels);
	if (part->missing) {
		XDestroyRegion(part->missing);
	}
}

/* The server is told only while it is there; a window that is gone took its damage along. */
void window_part_drop(struct window_capture *c, int i, bool gone)
{
	struct window_part *part = &c->parts[i];
	if (!display_is_lost(c->display)) {
		drop_pixmap(c, part);
		if (!gone) {
			XDamageDestroy(display_x(c->display), part->damage);
			display_hold(c->display);
			XCompositeUnredirectWindow(
				display_x(c->display), part->id, CompositeRedirectAutomatic);
			display_release(c->display);
		}
	}
	mark(c, part);
	window_part_done(part);
	c->n_parts--;
	memmove(part, part + 1, (size_t)(c->n_parts - i) * sizeof(*part));
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* A program repaints all of a window of another size. */
static void expect_all(struct window_part *part)
{
	XRectangle all = { 0, 0, (unsigned short)part->size.width,
		(unsigned short)part->size.height };
	if (!part->missing) {
		part->missing = XCreateRegion();
	}
	XUnionRectWithRegion(&all, part->missing, part->missing);
}

static void expect_less(struct window_part *part, struct rect painted)
{
	XRectangle area = { (short)painted.x, (short)painted.y, (unsigned short)painted.width,
		(unsigned short)painted.height };
	Region there = XCreateRegion();
	XUnionRectWithRegion(&area, there, there);
	XSubtractRegion(part->missing, there, part->missing);
	XDestroyRegion(there);
	if (XEmptyRegion(part->missing)) {
		XDestroyRegion(part->missing);
		part->missing = NULL;
	}
}

/* Asks where it is and how large.  False: it is gone. */
bool window_part_measure(struct window_capture *c, struct window_part *part)
{
	Display *x = display_x(c->display);
	struct size screen = display_size(c->display);
	XWindowAttributes attributes;
	Window child;
	if (!XGetWindowAttributes(x, part->id, &attributes)) {
		return false;
	}
	XTranslateCoordinates(
		x, part->id, display_root(c->display), 0, 0, &part->at.x, &part->at.y, &child);
	part->frame = part->passing ? part->id : window_group_top(c->display, part->id);
	part->viewable = attributes.map_state == IsViewable;
	part->border = attributes.border_width;
	part->depth = attributes.depth;
	part->size.width = smaller(attributes.width, screen.width);
	part->size.height = smaller(attributes.height, screen.height);
	drop_pixmap(c, part);
	if (part->shadow.size.width != part->size.width ||
		part->shadow.size.height != part->size.height) {
		tile_map_resize_image(&part->shadow, part->size);
		expect_all(part);
	}
	return true;
}

/* ---- pixels ---- */

static struct rect within(const XRectangle *area, struct size size)
{
	int x0 = area->x > 0 ? area->x : 0, y0 = area->y > 0 ? area->y : 0;
	int x1 = smaller(area->x + area->width, size.width);
	int y1 = smaller(area->y + area->height, size.height);
	return (struct rect){ x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0 };
}

static bool have_pixmap(struct window_capture *c, struct window_part *part)
{
	struct err err;
	if (!part->pixmap && part->viewable) {
		display_trap(c->display);
		Pixmap pixmap = XCompositeNameWindowPixmap(display_x(c->display), part->id);
		part->pixmap = display_untrap(c->display, &err) ? pixmap : None;
	}
	return part->pixmap;
}

/* Only the rectangles, out of all that lies between them. */
static void copy_painted(struct window_capture *c, struct window_part *part,
	const XRectangle *areas, int n, const XRectangle *bounds)
{
	struct rect all = within(bounds, part->size);
	struct rect from = { all.x + part->border, all.y + part->border, all.width, all.height };
	struct image pixels;
	struct err err;
	if (all.width == 0 || all.height == 0 ||
		!grab_pixels(c->grab, part->pixmap, part->depth, from, &pixels, &err)) {
		return;
	}
	struct point at = window_part_place(c, part);
	for (int i = 0; i < n; i++) {
		struct rect area = within(&areas[i], part->size);
		tile_map_copy(&part->shadow, &pixels, (struct point){ all.x, all.y }, area);
		if (part->missing) {
			expect_less(part, area);
		}
		area.x += at.x;
		area.y += at.y;
		tile_map_mark(&c->tiles, area, TILE_FRESH);
	}
}

/* The damage of a window that is not shown stays until it is. */
void window_part_take_damage(
	struct window_capture *c, struct window_part *part, XserverRegion region)
{
	Display *x = display_x(c->display);
	XRectangle bounds;
	int n = 0;
	if (!have_pixmap(c, part)) {
		return;
	}
	part->damaged = false;
	XDamageSubtract(x, part->damage, None, region);
	XRectangle *areas = XFixesFetchRegionAndBounds(x, region, &n, &bounds);
	if (areas) {
		copy_painted(c, part, areas, n, &bounds);
		XFree(areas);
	}
}

/* The picture of a window and its members: copies of the parts are laid over each other in tiles,
 * which also keep what has changed. */
#include "vm/agent/window/window_capture_impl.h"

#include "base/cleanup.h"
#include "vm/agent/x11/window_group.h"

#include <X11/extensions/Xcomposite.h>

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* ---- parts ---- */

static struct rect rect_of(const struct window_part *part)
{
	return (struct rect){ part->at.x, part->at.y, part->size.width, part->size.height };
}

/* What both are in, but no larger than the screen. */
static struct rect join(struct rect a, struct rect b, struct size screen)
{
	struct rect both = rect_join(a, b);
	both.width = smaller(both.width, screen.width);
	both.height = smaller(both.height, screen.height);
	return both;
}

static void fit_box(struct window_capture *c)
{
	struct rect box = rect_of(&c->parts[0]);
	for (int i = 1; i < c->n_parts; i++) {
		if (c->parts[i].viewable) {
			box = join(box, rect_of(&c->parts[i]), display_size(c->display));
		}
	}
	if (box.width != c->box.width || box.height != c->box.height) {
		tile_map_resize(&c->tiles, (struct size){ box.width, box.height });
	}
	c->box = box;
}

/* Changes with whatever would make the picture another one, painting apart. */
static uint64_t layout_of(const struct window_capture *c)
{
	uint64_t sum = 14695981039346656037u;
	for (int i = 0; i < c->n_parts; i++) {
		const struct window_part *part = &c->parts[i];
		struct point at = window_part_place(c, part);
		const uint64_t values[] = { part->id, (uint32_t)at.x, (uint32_t)at.y,
			(uint32_t)part->size.width, (uint32_t)part->size.height, part->viewable };
		for (size_t k = 0; k < sizeof(values) / sizeof(*values); k++) {
			sum = (sum ^ values[k]) * 1099511628211u;
		}
	}
	return sum;
}

static void measure_all(struct window_capture *c)
{
	c->stale = false;
	for (int i = c->n_parts - 1; i >= 0; i--) {
		if (!window_part_measure(c, &c->parts[i]) && i > 0) {
			window_part_drop(c, i, true);
		}
	}
	fit_box(c);
	uint64_t layout = layout_of(c);
	if (layout != c->layout) {
		c->layout = layout;
		tile_map_mark_all(&c->tiles, TILE_FRESH);
	}
}

/* ---- pixels ---- */

static void take_all_damage(struct window_capture *c)
{
	XserverRegion region = None;
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].damaged) {
			region = region ? region
					: XFixesCreateRegion(display_x(c->display), NULL, 0);
			window_part_take_damage(c, &c->parts[i], region);
		}
	}
	if (region) {
		XFixesDestroyRegion(display_x(c->display), region);
	}
}

static void lay(struct window_capture *c, struct rect area)
{
	const struct image *to = &c->tiles.picture;
	if (c->n_parts > 1) { /* there may be something beside the window */
		tile_map_clear(to, area);
	}
	for (int i = 0; i < c->n_parts; i++) {
		const struct window_part *part = &c->parts[i];
		if (i == 0 || part->viewable) {
			tile_map_copy(to, &part->shadow, window_part_place(c, part), area);
		}
	}
}

void window_capture_refresh(struct window_capture *c)
{
	struct rect tile;
	c->told = false;
	if (display_is_lost(c->display)) {
		return;
	}
	if (c->stale) {
		measure_all(c);
	}
	take_all_damage(c);
	while (tile_map_next(&c->tiles, &tile)) {
		lay(c, tile);
	}
}

size_t window_capture_take(struct window_capture *c, struct rect *ret_rects, size_t max)
{
	return tile_map_take(&c->tiles, ret_rects, max);
}

void window_capture_touch(struct window_capture *c, struct rect area)
{
	tile_map_mark(&c->tiles, area, TILE_CHANGED);
}

const struct image *window_capture_picture(const struct window_capture *c)
{
	return &c->tiles.picture;
}

struct rect window_capture_place(const struct window_capture *c)
{
	return c->box;
}

struct point window_capture_offset(const struct window_capture *c)
{
	const struct window_part *window = &c->parts[0];
	return (struct point){ c->box.x - window->at.x, c->box.y - window->at.y };
}

/* ---- questions ---- */

Window window_capture_window(const struct window_capture *c)
{
	return c->parts[0].id;
}

bool window_capture_origin(struct window_capture *c, struct point *ret_at)
{
	if (c->stale) {
		measure_all(c);
		window_members_changed(c, false);
	}
	*ret_at = c->parts[0].at;
	return c->parts[0].viewable;
}

bool window_capture_is_at(const struct window_capture *c, struct point at)
{
	for (int i = 0; i < c->n_parts; i++) {
		const struct window_part *part = &c->parts[i];
		if (part->viewable && at.x >= part->at.x && at.y >= part->at.y &&
			at.x < part->at.x + part->size.width &&
			at.y < part->at.y + part->size.height) {
			return true;
		}
	}
	return false;
}

bool window_capture_is_whole(const struct window_capture *c)
{
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].viewable && c->parts[i].missing) {
			return false;
		}
	}
	return true;
}

/* child: a child of the root, above the parts that are not in `passed`. */
static bool covers(const struct window_capture *c, Window child, const bool *passed)
{
	XWindowAttributes at;
	if (!XGetWindowAttributes(display_x(c->display), child, &at) ||
		at.map_state != IsViewable || at.class == InputOnly) {
		return false;
	}
	struct rect area = { at.x, at.y, at.width + 2 * at.border_width,
		at.height + 2 * at.border_width };
	for (int i = 0; i < c->n_parts; i++) {
		const struct window_part *part = &c->parts[i];
		if (!passed[i] && part->viewable && rect_overlaps(area, rect_of(part))) {
			return true;
		}
	}
	return false;
}

/* Whether a part is, or is in, this child of the root. */
static bool pass(const struct window_capture *c, Window child, bool *passed)
{
	bool is_own = false;
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].frame == child) {
			passed[i] = true;
			is_own = true;
		}
	}
	return is_own;
}

bool window_capture_is_covered(const struct window_capture *c)
{
	bool passed[WINDOW_PARTS_MAX] = { false }, covered = false;
	Window root, parent, *children = NULL;
	unsigned n = 0;
	struct err ignored;
	display_trap(c->display);
	(void)XQueryTree(
		display_x(c->display), display_root(c->display), &root, &parent, &children, &n);
	while (n-- > 0 && !covered && !passed[0]) { /* the window is the lowest of its parts */
		covered = !pass(c, children[n], passed) && covers(c, children[n], passed);
	}
	if (children) {
		XFree(children);
	}
	(void)!display_untrap(c->display, &ignored);
	return covered;
}

bool window_capture_owns(const struct window_capture *c, Window child)
{
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].viewable && c->parts[i].frame == child) {
			return true;
		}
	}
	return false;
}

bool window_capture_holds(const struct window_capture *c, Window window)
{
	for (int i = 0; i < c->n_parts; i++) {
		if (c->parts[i].viewable &&
			window_group_is_inside(c->display, window, c->parts[i].id)) {
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

struct window_capture *window_capture_new(struct display *d, Window id,
	const struct window_capture_handlers *handlers, void *data, struct err *err)
{
	struct grab *grab = check(d, err) ? grab_new(d, err) : NULL;
	if (!grab) {
		return NULL;
	}
	struct window_capture *c = must(calloc(1, sizeof(*c)));
	c->display = d;
	c->handlers = handlers;
	c->data = data;
	c->grab = grab;
	c->told = true; /* the caller does not listen yet */
	c->listener = (struct display_listener){
		.event = window_members_on_event, .closing = window_members_on_closing, .data = c
	};
	display_listen(d, &c->listener);
	select_events(d, id);
	if (!window_members_add(c, id, false)) {
		window_capture_free(c);
		err_set(err, ERR_NOT_FOUND, "the window was closed");
		return NULL;
	}
	window_members_search(c);
	measure_all(c);
	return c;
}

void window_capture_free(struct window_capture *c)
{
	if (!c) {
		return;
	}
	display_unlisten(c->display, &c->listener);
	while (c->n_parts > 0) {
		window_part_drop(c, c->n_parts - 1, false);
	}
	grab_free(c->grab);
	tile_map_done(&c->tiles);
	free(c);
}

#include "vm/agent/x11/changes.h"

#include "base/cleanup.h"

#define TILE 16

struct changes {
	struct display *display;
	struct display_listener listener;
	struct size screen;
	int columns, rows;
	uint64_t *tiles; /* frame ids */
};

static int tiles_of(int pixels)
{
	return (pixels + TILE - 1) / TILE;
}

static void mark(struct changes *c, struct rect area, uint64_t frame_id)
{
	area = rect_clip(area, c->screen);
	for (int y = area.y / TILE; y < tiles_of(area.y + area.height); y++) {
		for (int x = area.x / TILE; x < tiles_of(area.x + area.width); x++) {
			c->tiles[y * c->columns + x] = frame_id;
		}
	}
}

void changes_all(struct changes *c, uint64_t frame_id)
{
	mark(c, (struct rect){ 0, 0, c->screen.width, c->screen.height }, frame_id);
}

static void start_again(struct changes *c)
{
	c->screen = display_size(c->display);
	c->columns = tiles_of(c->screen.width);
	c->rows = tiles_of(c->screen.height);
	free(c->tiles);
	c->tiles = must(calloc((size_t)c->columns * (size_t)c->rows, sizeof(*c->tiles)));
	/* A new frame, for the X server may have been restarted and nothing drawn yet. */
	changes_all(c, display_skip_frame(0));
}

static void follow_size(struct changes *c)
{
	if (!size_equal(display_size(c->display), c->screen)) {
		start_again(c);
	}
}

/* The batch that it belongs to is counted when all of it has been read. */
static void on_damaged(const XRectangle *area, void *data)
{
	struct changes *c = data;
	follow_size(c);
	mark(c, (struct rect){ area->x, area->y, area->width, area->height },
		display_frame_id(c->display) + 1);
}

struct changes *changes_new(struct display *d)
{
	struct changes *c = must(calloc(1, sizeof(*c)));
	c->display = d;
	c->listener = (struct display_listener){ .damaged = on_damaged, .data = c };
	start_again(c);
	display_listen(d, &c->listener);
	return c;
}

void changes_free(struct changes *c)
{
	if (c) {
		display_unlisten(c->display, &c->listener);
		free(c->tiles);
		free(c);
	}
}

static bool is_of(const struct rect *areas, size_t n, struct rect tile)
{
	bool found = false;
	for (size_t i = 0; i < n; i++) {
		found |= rect_has_centre(areas[i], tile);
	}
	return found;
}

/* The smallest rectangle with the changed tiles that are in one of `areas`, or (inside: false) in
 * none, and are in none of `but`.  Its width is 0 if there are none. */
static struct rect sum(struct changes *c, uint64_t frame_id, const struct rect *areas, size_t n,
	bool inside, const struct rect *but)
{
	struct rect all = { 0 };
	for (int y = 0; y < c->rows; y++) {
		for (int x = 0; x < c->columns; x++) {
			struct rect tile = { x * TILE, y * TILE, TILE, TILE };
			if (c->tiles[y * c->columns + x] > frame_id &&
				is_of(areas, n, tile) == inside && !is_of(but, but ? n : 0, tile)) {
				all = all.width ? rect_join(all, tile) : tile;
			}
		}
	}
	return rect_clip(all, c->screen);
}

/* A menu over a panel changes what is next to it, too. */
static struct rect covered_part(struct rect panel, struct rect area)
{
	struct rect wider = { area.x - TILE, area.y - TILE, area.width + 2 * TILE,
		area.height + 2 * TILE };
	if (!rect_overlaps(wider, panel)) {
		return (struct rect){ 0 };
	}
	return panel.width > panel.height
		       ? (struct rect){ area.x, panel.y, area.width, panel.height }
		       : (struct rect){ panel.x, area.y, panel.width, area.height };
}

bool changes_beside(struct changes *c, uint64_t frame_id, const struct rect *panels, size_t n,
	struct rect *ret_area, struct rect *ret_aside)
{
	follow_size(c);
	struct rect area = sum(c, frame_id, panels, n, false, NULL), covered[CHANGES_PANELS_MAX];
	if (!area.width) {
		*ret_area = sum(c, frame_id, NULL, 0, false, NULL);
		*ret_aside = area;
		return ret_area->width > 0;
	}
	for (size_t i = 0; i < n; i++) {
		covered[i] = covered_part(panels[i], area);
	}
	struct rect over = sum(c, frame_id, covered, n, true, NULL);
	*ret_area = over.width ? rect_join(area, over) : area;
	*ret_aside = sum(c, frame_id, panels, n, true, covered);
	return true;
}

bool changes_since(struct changes *c, uint64_t frame_id, struct rect *ret_area)
{
	struct rect none;
	return changes_beside(c, frame_id, NULL, 0, ret_area, &none);
}

bool changes_in(struct changes *c, uint64_t frame_id, struct rect area)
{
	bool changed = false;
	follow_size(c);
	area = rect_clip(area, c->screen);
	for (int y = area.y / TILE; y < tiles_of(area.y + area.height); y++) {
		for (int x = area.x / TILE; x < tiles_of(area.x + area.width); x++) {
			changed |= c->tiles[y * c->columns + x] > frame_id;
		}
	}
	return changed;
}

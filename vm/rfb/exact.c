#include "vm/rfb/exact.h"

#include "base/cleanup.h"

#define TILE HISTORY_TILE

/* The tiles of an area: from x, y up to right, below. */
struct span {
	int x, y, right, below;
};

static struct span span_of(struct rect area)
{
	return (struct span){ area.x / TILE, area.y / TILE, (area.x + area.width + TILE - 1) / TILE,
		(area.y + area.height + TILE - 1) / TILE };
}

/* Calls fn with each tile of an area that is within the size. */
static void each(
	struct exact *e, struct rect area, void (*fn)(struct exact *e, struct exact_tile *t))
{
	struct span s = span_of(area);
	for (int y = s.y; area.width > 0 && y < s.below; y++) {
		for (int x = s.x; x < s.right; x++) {
			fn(e, &e->all[y * e->tiles.width + x]);
		}
	}
}

static bool is_due(const struct exact *e, const struct exact_tile *t)
{
	return t->number > e->taken;
}

static void set_lossy(struct exact *e, struct exact_tile *t, bool lossy)
{
	e->n_lossy += lossy - t->lossy;
	t->lossy = lossy;
}

void exact_init(struct exact *e, struct size size)
{
	*e = (struct exact){ .size = size };
	e->tiles = (struct size){ (size.width + TILE - 1) / TILE, (size.height + TILE - 1) / TILE };
	size_t n = (size_t)e->tiles.width * (size_t)e->tiles.height;
	e->all = must(calloc(n ? n : 1, sizeof(*e->all)));
}

void exact_done(struct exact *e)
{
	free(e->all);
	*e = (struct exact){ 0 };
}

/* ---- what happens to tiles ---- */

/* It may be new in part only: what was not exact for somebody may still not be. */
static void change(struct exact *e, struct exact_tile *t)
{
	set_lossy(e, t, t->lossy || is_due(e, t));
	t->number = 0;
}

static void add(struct exact *e, struct exact_tile *t)
{
	set_lossy(e, t, t->number == 0);
}

static void spoil(struct exact *e, struct exact_tile *t)
{
	t->number = 0;
	set_lossy(e, t, true);
}

static bool is_exact(const struct exact *e, struct rect area)
{
	struct span s = span_of(area);
	for (int y = s.y; y < s.below; y++) {
		for (int x = s.x; x < s.right; x++) {
			const struct exact_tile *t = &e->all[y * e->tiles.width + x];
			if (t->lossy || is_due(e, t)) {
				return false;
			}
		}
	}
	return true;
}

void exact_advance(struct exact *e, const struct history *h)
{
	for (size_t i = 0; i < h->n_moves; i++) {
		const struct picture_move *m = &h->moves[i];
		struct rect from = { m->from.x, m->from.y, m->to.width, m->to.height };
		each(e, m->to, is_exact(e, from) ? change : spoil);
	}
	for (size_t i = 0; i < h->n_areas; i++) {
		each(e, h->areas[i], change);
	}
}

void exact_add(struct exact *e, struct rect area)
{
	each(e, area, add);
}

void exact_spoil(struct exact *e, struct rect area)
{
	each(e, area, spoil);
}

/* ---- what is due ---- */

static struct rect tile_rect(const struct exact *e, int i)
{
	int x = i % e->tiles.width * TILE, y = i / e->tiles.width * TILE;
	return rect_clip((struct rect){ x, y, TILE, TILE }, e->size);
}

static bool is_in(struct rect area, const struct rect *areas, size_t n)
{
	size_t i = 0;
	while (i < n && !rect_overlaps(area, areas[i])) {
		i++;
	}
	return i < n;
}

void exact_settle(struct exact *e, const struct history *h, uint32_t before,
	const struct rect *except, size_t n_except)
{
	for (int i = 0; e->n_lossy > 0 && i < e->tiles.width * e->tiles.height; i++) {
		struct exact_tile *t = &e->all[i];
		if (t->lossy && h->changed[i] <= before &&
			!is_in(tile_rect(e, i), except, n_except)) {
			set_lossy(e, t, false);
			t->number = ++e->last;
		}
	}
}

/* The one with the lowest number after `from`; -1: none. */
static int next_after(const struct exact *e, uint32_t from)
{
	int found = -1;
	for (int i = 0; i < e->tiles.width * e->tiles.height; i++) {
		uint32_t number = e->all[i].number;
		if (number > from && (found < 0 || number < e->all[found].number)) {
			found = i;
		}
	}
	return found;
}

size_t exact_after(
	const struct exact *e, uint32_t from, size_t most, struct rect *ret, uint32_t *ret_to)
{
	size_t n = 0;
	int next = from < e->last ? next_after(e, from) : -1;
	for (; next >= 0 && n < most; next = next_after(e, from)) {
		ret[n++] = tile_rect(e, next);
		from = e->all[next].number;
	}
	*ret_to = next >= 0 ? from : e->last;
	return n;
}

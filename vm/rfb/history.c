#include "vm/rfb/history.h"

#include "base/cleanup.h"
#include "vm/rfb/encode.h"

#include <string.h>

#define TILE HISTORY_TILE

struct areas {
	struct rect *all;
	size_t n, room;
};

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static bool is_empty(struct rect area)
{
	return area.width <= 0 || area.height <= 0;
}

void history_init(struct history *h, struct size size)
{
	*h = (struct history){ .size = size, .frame = 1 };
	h->tiles = (struct size){ (size.width + TILE - 1) / TILE, (size.height + TILE - 1) / TILE };
	size_t n = (size_t)h->tiles.width * (size_t)h->tiles.height;
	h->changed = must(calloc(n ? n : 1, sizeof(*h->changed)));
	for (size_t i = 0; i < n; i++) {
		h->changed[i] = 1;
	}
}

void history_done(struct history *h)
{
	free(h->changed);
	*h = (struct history){ 0 };
}

/* ---- frames ---- */

static void touch(struct history *h, struct rect area)
{
	for (int y = area.y / TILE; y * TILE < area.y + area.height; y++) {
		for (int x = area.x / TILE; x * TILE < area.x + area.width; x++) {
			h->changed[y * h->tiles.width + x] = h->frame;
		}
	}
}

static void add_area(struct history *h, struct rect area)
{
	area = rect_clip(area, h->size);
	if (!is_empty(area) && h->n_areas < HISTORY_AREAS_MAX) {
		h->areas[h->n_areas++] = area;
		touch(h, area);
	}
}

static bool is_within(struct rect area, struct size size)
{
	struct rect kept = rect_clip(area, size);
	return memcmp(&area, &kept, sizeof(area)) == 0;
}

static bool can_move(const struct history *h, const struct picture_move *move)
{
	struct rect from = { move->from.x, move->from.y, move->to.width, move->to.height };
	return is_within(move->to, h->size) && is_within(from, h->size);
}

/* Each move reads what the earlier ones left: from the first that reaches beyond the size on, they
 * become new pixels. */
static void add_moves(struct history *h, const struct picture_move *moves, size_t n)
{
	size_t i = 0;
	for (; i < n && can_move(h, &moves[i]); i++) {
		h->moves[h->n_moves++] = moves[i];
		touch(h, moves[i].to);
	}
	for (; i < n; i++) {
		add_area(h, moves[i].to);
	}
}

void history_add(struct history *h, const struct picture_move *moves, size_t n_moves,
	const struct rect *areas, size_t n_areas)
{
	if (n_moves + n_areas == 0) {
		return;
	}
	h->frame++;
	h->n_moves = h->n_areas = 0;
	add_moves(h, moves, n_moves);
	for (size_t i = 0; i < n_areas; i++) {
		add_area(h, areas[i]);
	}
}

/* ---- since ---- */

/* Splits it where it is too large for one call of the encoder. */
static void put_area(struct areas *areas, struct rect area)
{
	for (int y = 0; y < area.height; y += RFB_AREA_HEIGHT_MAX) {
		for (int x = 0; x < area.width; x += RFB_AREA_WIDTH_MAX) {
			if (areas->n == areas->room) {
				areas->room = areas->room * 2 + 8;
				areas->all = must(
					reallocarray(areas->all, areas->room, sizeof(*areas->all)));
			}
			areas->all[areas->n++] = (struct rect){ area.x + x, area.y + y,
				smaller(area.width - x, RFB_AREA_WIDTH_MAX),
				smaller(area.height - y, RFB_AREA_HEIGHT_MAX) };
		}
	}
}

static bool is_new(const struct history *h, uint32_t from, int x, int y)
{
	return x < h->tiles.width && h->changed[y * h->tiles.width + x] > from;
}

/* The run of new tiles that begins at x; 0: none does. */
static int run_at(const struct history *h, uint32_t from, int x, int y)
{
	int n = 0;
	while (!(x > 0 && is_new(h, from, x - 1, y)) && is_new(h, from, x + n, y)) {
		n++;
	}
	return n;
}

/* Runs of the same tiles in consecutive rows are one area, begun in the first of them. */
static int rows_at(const struct history *h, uint32_t from, int x, int y, int run)
{
	int n = 1;
	if (y > 0 && run_at(h, from, x, y - 1) == run) {
		return 0;
	}
	while (y + n < h->tiles.height && run_at(h, from, x, y + n) == run) {
		n++;
	}
	return n;
}

static void put_tiles(const struct history *h, uint32_t from, struct areas *areas)
{
	for (int i = 0; i < h->tiles.width * h->tiles.height; i++) {
		int x = i % h->tiles.width, y = i / h->tiles.width;
		int run = run_at(h, from, x, y), rows = run ? rows_at(h, from, x, y, run) : 0;
		if (rows) {
			put_area(areas, rect_clip((struct rect){ x * TILE, y * TILE, run * TILE,
							  rows * TILE },
						h->size));
		}
	}
}

bool history_is_step(const struct history *h, uint32_t from)
{
	return from > 0 && from + 1 == h->frame;
}

struct rect history_tiles(const struct history *h, struct rect area)
{
	int x = area.x / TILE * TILE, y = area.y / TILE * TILE;
	int right = (area.x + area.width + TILE - 1) / TILE * TILE;
	int below = (area.y + area.height + TILE - 1) / TILE * TILE;
	return rect_clip((struct rect){ x, y, right - x, below - y }, h->size);
}

bool history_has_changed(const struct history *h, struct rect area, uint32_t from)
{
	for (int y = area.y / TILE; y * TILE < area.y + area.height; y++) {
		for (int x = area.x / TILE; x * TILE < area.x + area.width; x++) {
			if (is_new(h, from, x, y)) {
				return true;
			}
		}
	}
	return false;
}

size_t history_since(const struct history *h, uint32_t from, bool moves, struct rect **ret)
{
	struct areas areas = { 0 };
	if (history_is_step(h, from) && (moves || h->n_moves == 0)) {
		for (size_t i = 0; i < h->n_areas; i++) {
			put_area(&areas, h->areas[i]);
		}
	} else if (from < h->frame) {
		put_tiles(h, from, &areas);
	}
	*ret = areas.all;
	return areas.n;
}

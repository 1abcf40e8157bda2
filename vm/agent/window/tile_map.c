#include "vm/agent/window/tile_map.h"

#include "base/cleanup.h"

#include <string.h>

#define TILE 64
#define RUN 8      /* tiles side by side in one rectangle */
#define PLAIN 0x80 /* each colour of what nothing was laid on */

/* ---- images ---- */

void tile_map_clear(const struct image *image, struct rect area)
{
	for (int y = area.y; y < area.y + area.height; y++) {
		memset(image->pixels + (size_t)y * image->stride + (size_t)area.x * 4, PLAIN,
			(size_t)area.width * 4);
	}
}

static struct image new_image(struct size size)
{
	struct image image = { .size = size, .stride = (size_t)size.width * 4 };
	image.pixels = must(malloc(image.stride * (size_t)size.height));
	tile_map_clear(&image, (struct rect){ 0, 0, size.width, size.height });
	return image;
}

void tile_map_copy(
	const struct image *to, const struct image *from, struct point at, struct rect area)
{
	int x0 = area.x > at.x ? area.x : at.x, y0 = area.y > at.y ? area.y : at.y;
	int x1 = area.x + area.width, y1 = area.y + area.height;
	x1 = x1 < at.x + from->size.width ? x1 : at.x + from->size.width;
	y1 = y1 < at.y + from->size.height ? y1 : at.y + from->size.height;
	for (int y = y0; y < y1 && x0 < x1; y++) {
		memcpy(to->pixels + (size_t)y * to->stride + (size_t)x0 * 4,
			from->pixels + (size_t)(y - at.y) * from->stride + (size_t)(x0 - at.x) * 4,
			(size_t)(x1 - x0) * 4);
	}
}

void tile_map_resize_image(struct image *image, struct size size)
{
	struct image old = *image;
	*image = new_image(size);
	if (old.pixels) {
		tile_map_copy(image, &old, (struct point){ 0, 0 },
			(struct rect){ 0, 0, size.width, size.height });
		free(old.pixels);
	}
}

/* ---- tiles ---- */

void tile_map_done(struct tile_map *m)
{
	free(m->picture.pixels);
	free(m->tile);
	*m = (struct tile_map){ 0 };
}

void tile_map_mark(struct tile_map *m, struct rect area, int bits)
{
	int x0 = area.x > 0 ? area.x / TILE : 0, y0 = area.y > 0 ? area.y / TILE : 0;
	for (int y = y0; y < m->tiles.height && y * TILE < area.y + area.height; y++) {
		for (int x = x0; x < m->tiles.width && x * TILE < area.x + area.width; x++) {
			m->tile[y * m->tiles.width + x] |= (uint8_t)bits;
		}
	}
}

void tile_map_mark_all(struct tile_map *m, int bits)
{
	tile_map_mark(
		m, (struct rect){ 0, 0, m->picture.size.width, m->picture.size.height }, bits);
}

void tile_map_resize(struct tile_map *m, struct size size)
{
	tile_map_done(m);
	m->tiles = (struct size){ (size.width + TILE - 1) / TILE, (size.height + TILE - 1) / TILE };
	m->tile = must(calloc((size_t)m->tiles.width * (size_t)m->tiles.height, 1));
	m->picture = new_image(size);
	tile_map_mark_all(m, TILE_FRESH);
}

/* n tiles from x on, as pixels of the picture. */
static struct rect tile_rect(const struct tile_map *m, int x, int y, int n)
{
	int x1 = (x + n) * TILE, y1 = (y + 1) * TILE;
	x1 = x1 < m->picture.size.width ? x1 : m->picture.size.width;
	y1 = y1 < m->picture.size.height ? y1 : m->picture.size.height;
	return (struct rect){ x * TILE, y * TILE, x1 - x * TILE, y1 - y * TILE };
}

bool tile_map_next(struct tile_map *m, struct rect *ret_tile)
{
	int n = m->tiles.width * m->tiles.height;
	for (int i = 0; i < n; i++) {
		if (m->tile[i] & TILE_FRESH) {
			m->tile[i] = TILE_CHANGED;
			*ret_tile = tile_rect(m, i % m->tiles.width, i / m->tiles.width, 1);
			return true;
		}
	}
	return false;
}

/* Tiles that have changed, from x on; they have not then. */
static int take_run(const struct tile_map *m, uint8_t *row, int x)
{
	int run = 0;
	while (run < RUN && x + run < m->tiles.width && row[x + run] & TILE_CHANGED) {
		row[x + run++] &= (uint8_t)~TILE_CHANGED;
	}
	return run;
}

size_t tile_map_take(struct tile_map *m, struct rect *ret_rects, size_t max)
{
	size_t n = 0;
	for (int y = 0; y < m->tiles.height; y++) {
		uint8_t *row = m->tile + y * m->tiles.width;
		for (int x = 0; x < m->tiles.width && n < max; x++) {
			int run = take_run(m, row, x);
			if (run > 0) {
				ret_rects[n++] = tile_rect(m, x, y, run);
				x += run - 1;
			}
		}
	}
	return n;
}

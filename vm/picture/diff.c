/*
 * Compare, find moves, carry each out in the picture and compare its destination again, take the
 * rest as areas. Moves are guesses: since areas are what differs after them, the result is exact
 * whatever was guessed.
 */
#include "vm/picture/diff.h"

#include "base/cleanup.h"
#include "vm/picture/diff_impl.h"

#include <string.h>

struct picture_diff *picture_diff_new(void)
{
	struct picture_diff *d = must(calloc(1, sizeof(*d)));
	diff_make_keys(d->keys);
	return d;
}

static void free_scratch(struct picture_diff *d)
{
	free(d->differs);
	free(d->row_differs);
	free(d->after);
	free(d->weights);
	free(d->boxes);
	free(d->sums);
	free(d->votes);
	free(d->hashes);
	free(d->slots);
}

void picture_diff_free(struct picture_diff *d)
{
	if (d) {
		free_scratch(d);
		free(d);
	}
}

static void reserve(struct picture_diff *d, size_t cells, int side)
{
	if (cells <= d->room_cells && side <= d->room_side) {
		return;
	}
	free_scratch(d);
	d->room_cells = cells > d->room_cells ? cells : d->room_cells;
	d->room_side = diff_max(side, d->room_side);
	size_t n = (size_t)d->room_side;
	for (d->n_slots = 64; d->n_slots < n * 2;) {
		d->n_slots *= 2;
	}
	d->differs = must(calloc(d->room_cells, sizeof(*d->differs)));
	d->row_differs = must(calloc(n, sizeof(*d->row_differs)));
	d->after = must(calloc(n, sizeof(*d->after)));
	d->weights = must(calloc(d->room_cells, sizeof(*d->weights)));
	d->boxes = must(calloc(d->room_cells / CELL + n + 1, sizeof(*d->boxes)));
	d->sums = must(calloc(n, sizeof(*d->sums)));
	d->votes = must(calloc(2 * n + 1, sizeof(*d->votes)));
	d->hashes = must(calloc(d->room_cells / STRIP_CELLS + n, sizeof(*d->hashes)));
	d->slots = must(calloc(d->n_slots, sizeof(*d->slots)));
}

static void copy_area(const struct picture_diff *d, struct rect r)
{
	const uint8_t *from = diff_new(d, r.x - d->area.x, r.y - d->area.y);
	uint8_t *to = d->picture->pixels + (size_t)r.y * d->picture->stride + (size_t)r.x * 4;
	for (int y = 0; y < r.height; y++) {
		memcpy(to, from, (size_t)r.width * 4);
		to += d->picture->stride;
		from += d->fresh->stride;
	}
}

void picture_diff_take(struct picture_diff *d, const struct image *picture, struct rect area,
	const struct image *fresh, struct picture_change *ret)
{
	ret->n_moves = ret->n_areas = 0;
	if (area.width <= 0 || area.height <= 0) {
		return;
	}
	d->picture = picture;
	d->fresh = fresh;
	d->area = area;
	d->cols = (area.width + CELL - 1) / CELL;
	reserve(d, (size_t)d->cols * (size_t)area.height, diff_max(area.width, area.height));
	memset(d->row_differs, 0, (size_t)area.height);
	diff_compare(d, 0, d->cols, 0, area.height);
	diff_measure(d);
	if (d->n_differing > 0) {
		diff_find_moves(d, ret);
		diff_find_areas(d, ret);
	}
	for (size_t i = 0; i < ret->n_areas; i++) {
		copy_area(d, ret->areas[i]);
	}
}

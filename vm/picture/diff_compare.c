/* The masks of differing pixels, and what they amount to. */
#include "vm/picture/diff_impl.h"

void diff_compare(struct picture_diff *d, int col0, int col1, int y0, int y1)
{
	int x = col0 * CELL, width = diff_min(col1 * CELL, d->area.width) - x;
	for (int y = y0; y < y1; y++) {
		d->row_differs[y] |= diff_mask_row(
			diff_old(d, x, y), diff_new(d, x, y), width, diff_masks(d, y) + col0);
	}
}

static void measure_row(struct picture_diff *d, int y)
{
	const uint16_t *masks = diff_masks(d, y);
	int first = 0, last = d->cols - 1;
	while (first < d->cols && !masks[first]) {
		first++;
	}
	while (last > first && !masks[last]) {
		last--;
	}
	if (first < d->cols) {
		d->range.x0 = (uint16_t)diff_min(d->range.x0, first);
		d->range.x1 = (uint16_t)diff_max(d->range.x1, last + 1);
		d->range.y0 = (uint16_t)diff_min(d->range.y0, y);
		d->range.y1 = (uint16_t)(y + 1);
		d->n_differing += (size_t)(last + 1 - first);
	}
}

void diff_measure(struct picture_diff *d)
{
	d->n_differing = 0;
	d->range = (struct diff_box){ UINT16_MAX, UINT16_MAX, 0, 0 };
	for (int y = 0; y < d->area.height; y++) {
		if (d->row_differs[y]) {
			measure_row(d, y);
		}
	}
}

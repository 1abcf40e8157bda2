/*
 * Weighs one move: each cell counts for it if it differs and would not after the move, against it
 * if only the move makes it differ. The best rectangle is found from the column that counts most:
 * its rows with the largest sum, then the columns of those rows with the largest sum, then rows and
 * columns once more. Last, the edges are moved from cells to pixels.
 */
#include "vm/picture/diff_impl.h"

#include <string.h>

#define SAVED_MIN 24 /* cells */

/* A part of the area: columns in cells, rows in pixels. */
struct part {
	int col0, col1, y0, y1;
};

struct move {
	int dx, dy;
};

/* ---- weights ---- */

/* The cells whose source is within the picture, among the ones that differ. */
static struct part reachable(const struct picture_diff *d, struct move m)
{
	int x0 = m.dx - d->area.x, x1 = d->picture->size.width + m.dx - d->area.x;
	int y0 = m.dy - d->area.y, y1 = d->picture->size.height + m.dy - d->area.y;
	struct part p = { x0 <= 0 ? 0 : (x0 + CELL - 1) / CELL,
		x1 >= d->area.width ? d->cols : diff_max(x1, 0) / CELL, diff_max(y0, 0),
		diff_min(y1, d->area.height) };
	p.col0 = diff_max(p.col0, d->range.x0);
	p.col1 = diff_min(p.col1, d->range.x1);
	p.y0 = diff_max(p.y0, d->range.y0);
	p.y1 = diff_min(p.y1, d->range.y1);
	return p;
}

static unsigned mask_after(const struct picture_diff *d, struct move m, int col, int y)
{
	return diff_mask(diff_old(d, col * CELL - m.dx, y - m.dy), diff_new(d, col * CELL, y),
		diff_cell_width(d, col));
}

static int8_t *weights_of(const struct picture_diff *d, int y)
{
	return d->weights + (size_t)y * (size_t)d->cols;
}

static void weigh_row(struct picture_diff *d, struct move m, const struct part *p, int y)
{
	int x = p->col0 * CELL, width = diff_min(p->col1 * CELL, d->area.width) - x;
	const uint16_t *now = diff_masks(d, y) + p->col0, *after = d->after;
	int8_t *weights = weights_of(d, y) + p->col0;
	diff_mask_row(diff_old(d, x - m.dx, y - m.dy), diff_new(d, x, y), width, d->after);
	for (int i = 0; i < p->col1 - p->col0; i++) {
		weights[i] = (int8_t)((now[i] != 0) - (after[i] != 0));
	}
}

static void weigh(struct picture_diff *d, struct move m, const struct part *p)
{
	for (int y = p->y0; y < p->y1; y++) {
		weigh_row(d, m, p, y);
	}
}

/* ---- the best rectangle ---- */

/* The part of sums, which stand for lo to hi, with the largest sum. */
static void best_span(const int *sums, int lo, int hi, int *ret_lo, int *ret_hi)
{
	int best = 0, sum = 0, from = lo;
	*ret_lo = *ret_hi = lo;
	for (int i = lo; i < hi; i++) {
		if (sum <= 0) {
			sum = 0;
			from = i;
		}
		sum += sums[i - lo];
		if (sum > best) {
			best = sum;
			*ret_lo = from;
			*ret_hi = i + 1;
		}
	}
}

static void best_rows(struct picture_diff *d, const struct part *all, struct part *p)
{
	for (int y = all->y0; y < all->y1; y++) {
		const int8_t *weights = weights_of(d, y);
		int sum = 0;
		for (int col = p->col0; col < p->col1; col++) {
			sum += weights[col];
		}
		d->sums[y - all->y0] = sum;
	}
	best_span(d->sums, all->y0, all->y1, &p->y0, &p->y1);
}

/* For each column of all; without what is below min. */
static void sum_cols(struct picture_diff *d, const struct part *all, const struct part *p, int min)
{
	int *sums = d->sums, n = all->col1 - all->col0;
	memset(sums, 0, (size_t)n * sizeof(*sums));
	for (int y = p->y0; y < p->y1; y++) {
		const int8_t *weights = weights_of(d, y) + all->col0;
		for (int i = 0; i < n; i++) {
			sums[i] += diff_max(weights[i], min);
		}
	}
}

static void best_cols(struct picture_diff *d, const struct part *all, struct part *p)
{
	sum_cols(d, all, p, -1);
	best_span(d->sums, all->col0, all->col1, &p->col0, &p->col1);
}

/* The column that gains most, whatever it loses elsewhere. */
static int best_col(struct picture_diff *d, const struct part *all)
{
	int best = all->col0;
	sum_cols(d, all, all, 0);
	for (int col = all->col0; col < all->col1; col++) {
		best = d->sums[col - all->col0] > d->sums[best - all->col0] ? col : best;
	}
	return best;
}

static struct part best_part(struct picture_diff *d, const struct part *all)
{
	int col = best_col(d, all);
	struct part p = { col, col + 1, all->y0, all->y1 };
	best_rows(d, all, &p);
	best_cols(d, all, &p);
	best_rows(d, all, &p);
	best_cols(d, all, &p);
	return p;
}

static bool is_plain(const struct picture_diff *d, int col, int y)
{
	const uint8_t *cell = diff_new(d, col * CELL, y);
	int n = diff_cell_width(d, col);
	return diff_is_plain(cell, n) ||
	       (y > 0 && !diff_mask(cell, diff_new(d, col * CELL, y - 1), n));
}

/* Cells of one colour, or as the ones above them, are encoded for next to nothing, so they make no
 * move worthwhile. */
static bool is_worthwhile(const struct picture_diff *d, const struct part *p)
{
	int saved = 0, wanted = SAVED_MIN;
	for (int y = p->y0; y < p->y1; y++) {
		for (int col = p->col0; col < p->col1; col++) {
			wanted += weights_of(d, y)[col] < 0;
		}
	}
	for (int y = p->y0; y < p->y1 && saved < wanted; y++) {
		for (int col = p->col0; col < p->col1; col++) {
			saved += weights_of(d, y)[col] > 0 && !is_plain(d, col, y);
		}
	}
	return saved >= wanted;
}

/* ---- pixels ---- */

/* What each column of pixels of a cell counts. */
static void add_pixel_sums(
	const struct picture_diff *d, struct move m, const struct part *p, int col, int sums[CELL])
{
	for (int y = p->y0; y < p->y1; y++) {
		unsigned now = diff_masks(d, y)[col];
		unsigned after = mask_after(d, m, col, y);
		unsigned change = now ^ after;
		for (; change; change &= change - 1) {
			int i = __builtin_ctz(change);
			sums[i] += now >> i & 1 ? 1 : -1;
		}
	}
}

/* The pixels x0 to x1, seen from the inside of the part, up to where their sum is largest. */
static int best_edge(const struct picture_diff *d, struct move m, const struct part *all,
	const struct part *p, bool left)
{
	int col = left ? p->col0 : p->col1 - 1, first = left ? col - 1 : col;
	int sums[2 * CELL] = { 0 }, best = 0, sum = 0, n = 0;
	for (int i = 0; i < 2; i++) {
		if (first + i >= all->col0 && first + i < all->col1) {
			add_pixel_sums(d, m, p, first + i, sums + i * CELL);
		}
	}
	for (int i = 0; i < 2 * CELL; i++) {
		sum += sums[left ? 2 * CELL - 1 - i : i];
		if (sum > best) {
			best = sum;
			n = i + 1;
		}
	}
	return left ? (col + 1) * CELL - n : col * CELL + n;
}

static struct picture_move move_of(
	const struct picture_diff *d, struct move m, const struct part *all, const struct part *p)
{
	int x0 = best_edge(d, m, all, p, true), x1 = best_edge(d, m, all, p, false);
	struct rect to = { d->area.x + x0, d->area.y + p->y0, x1 - x0, p->y1 - p->y0 };
	return (struct picture_move){ to, { to.x - m.dx, to.y - m.dy } };
}

/* ---- carrying it out ---- */

static void move_pixels(const struct image *picture, const struct picture_move *m)
{
	bool down = m->to.y > m->from.y;
	for (int i = 0; i < m->to.height; i++) {
		int y = down ? m->to.height - 1 - i : i;
		uint8_t *to = picture->pixels + (size_t)(m->to.y + y) * picture->stride;
		uint8_t *from = picture->pixels + (size_t)(m->from.y + y) * picture->stride;
		memmove(to + (size_t)m->to.x * 4, from + (size_t)m->from.x * 4,
			(size_t)m->to.width * 4);
	}
}

static void compare_again(struct picture_diff *d, const struct rect *r)
{
	int x = r->x - d->area.x, y = r->y - d->area.y;
	diff_compare(d, x / CELL, (x + r->width + CELL - 1) / CELL, y, y + r->height);
	diff_measure(d);
}

bool diff_try_move(struct picture_diff *d, int dx, int dy, struct picture_change *ret)
{
	struct move m = { dx, dy };
	struct part all = reachable(d, m);
	if (all.col0 >= all.col1 || all.y0 >= all.y1) {
		return false;
	}
	weigh(d, m, &all);
	struct part p = best_part(d, &all);
	if (!is_worthwhile(d, &p)) {
		return false;
	}
	struct picture_move move = move_of(d, m, &all, &p);
	if (move.to.width <= 0) {
		return false;
	}
	move_pixels(d->picture, &move);
	compare_again(d, &move.to);
	ret->moves[ret->n_moves++] = move;
	return true;
}

/*
 * Rectangles around the differing pixels. Each square of CELL x CELL pixels has a box around its
 * own; squares side by side become runs, runs become blocks with the ones above. Each rectangle is
 * the box around the boxes of a block. If there are too many blocks, four squares become one.
 */
#include "vm/picture/diff_impl.h"

/* Squares x0 to x1, y0 to y1; n of them have a box. */
struct block {
	int x0, y0, x1, y1, n;
};

struct blocks {
	struct block at[PICTURE_AREAS_MAX];
	int n;
};

struct squares {
	struct diff_box *boxes; /* row by row */
	int cols, rows;
};

static bool is_empty(const struct diff_box *b)
{
	return b->x1 == 0;
}

static void add_box(struct diff_box *to, const struct diff_box *b)
{
	if (is_empty(to)) {
		*to = *b;
	} else if (!is_empty(b)) {
		to->x0 = (uint16_t)diff_min(to->x0, b->x0);
		to->y0 = (uint16_t)diff_min(to->y0, b->y0);
		to->x1 = (uint16_t)diff_max(to->x1, b->x1);
		to->y1 = (uint16_t)diff_max(to->y1, b->y1);
	}
}

/* ---- squares ---- */

static void add_row(struct picture_diff *d, struct diff_box *boxes, int y)
{
	const uint16_t *masks = diff_masks(d, y);
	for (int col = 0; col < d->cols; col++) {
		unsigned mask = masks[col];
		if (mask) {
			int x = col * CELL;
			struct diff_box row = { (uint16_t)(x + __builtin_ctz(mask)), (uint16_t)y,
				(uint16_t)(x + 32 - __builtin_clz(mask)), (uint16_t)(y + 1) };
			add_box(&boxes[col], &row);
		}
	}
}

static struct squares make_squares(struct picture_diff *d)
{
	struct squares s = { d->boxes, d->cols, (d->area.height + CELL - 1) / CELL };
	for (int i = 0; i < s.cols * s.rows; i++) {
		s.boxes[i] = (struct diff_box){ 0 };
	}
	for (int y = 0; y < d->area.height; y++) {
		if (d->row_differs[y]) {
			add_row(d, s.boxes + (y / CELL) * s.cols, y);
		}
	}
	return s;
}

/* In place: a square is never behind the four that it is made of. */
static void enlarge_squares(struct squares *s)
{
	struct squares to = { s->boxes, (s->cols + 1) / 2, (s->rows + 1) / 2 };
	for (int y = 0; y < to.rows; y++) {
		for (int x = 0; x < to.cols; x++) {
			struct diff_box box = { 0 };
			for (int i = 0; i < 4; i++) {
				int from_x = x * 2 + i % 2, from_y = y * 2 + i / 2;
				if (from_x < s->cols && from_y < s->rows) {
					add_box(&box, &s->boxes[from_y * s->cols + from_x]);
				}
			}
			to.boxes[y * to.cols + x] = box;
		}
	}
	*s = to;
}

/* ---- blocks ---- */

static int area_of(const struct block *b)
{
	return (b->x1 - b->x0) * (b->y1 - b->y0);
}

static bool meet(const struct block *a, const struct block *b)
{
	return a->x0 < b->x1 && b->x0 < a->x1 && a->y0 < b->y1 && b->y0 < a->y1;
}

static bool holds(const struct block *a, const struct block *b)
{
	return a->x0 <= b->x0 && b->x1 <= a->x1 && a->y0 <= b->y0 && b->y1 <= a->y1;
}

static struct block join(const struct block *a, const struct block *b)
{
	return (struct block){ diff_min(a->x0, b->x0), diff_min(a->y0, b->y0),
		diff_max(a->x1, b->x1), diff_max(a->y1, b->y1), a->n + b->n };
}

/* A block may have two squares that did not change, or a quarter. Blocks must stay apart, so that
 * the ones it meets become part of it as a whole or not at all. */
static bool try_join(const struct blocks *all, int i, const struct block *with, struct block *ret)
{
	struct block u = join(&all->at[i], with);
	for (int k = 0; k < all->n; k++) {
		if (k != i && &all->at[k] != with && meet(&u, &all->at[k])) {
			if (!holds(&u, &all->at[k])) {
				return false;
			}
			u.n += all->at[k].n;
		}
	}
	*ret = u;
	int waste = area_of(&u) - u.n;
	return waste <= 2 || waste * 4 <= area_of(&u);
}

/* Puts u in the place of i and of all that it holds; returns where it is now. */
static int put_block(struct blocks *all, int i, struct block u)
{
	int n = 0, at = 0;
	for (int k = 0; k < all->n; k++) {
		if (k == i) {
			at = n;
			all->at[n++] = u;
		} else if (!holds(&u, &all->at[k])) {
			all->at[n++] = all->at[k];
		}
	}
	all->n = n;
	return at;
}

/* From *x on; gaps of one square, or a quarter of what is before them, belong to a run. */
static bool next_run(const struct squares *s, int x, int y, struct block *ret)
{
	const struct diff_box *row = s->boxes + y * s->cols;
	while (x < s->cols && is_empty(&row[x])) {
		x++;
	}
	*ret = (struct block){ x, y, x, y + 1, 0 };
	for (; x < s->cols && (x - ret->x1 <= 1 || (x - ret->x1) * 4 <= x - ret->x0); x++) {
		if (!is_empty(&row[x])) {
			ret->x1 = x + 1;
			ret->n++;
		}
	}
	return ret->n > 0;
}

/* Returns from where to go on in this row, or -1: there are too many blocks. */
static int add_run(struct blocks *all, const struct block *run)
{
	struct block u;
	for (int i = 0; i < all->n; i++) {
		struct block *b = &all->at[i];
		if (b->y1 >= run->y0 && b->x0 <= run->x1 && run->x0 <= b->x1 &&
			try_join(all, i, run, &u)) {
			put_block(all, i, u);
			return u.x1;
		}
	}
	if (all->n == PICTURE_AREAS_MAX) {
		return -1;
	}
	all->at[all->n++] = *run;
	return run->x1;
}

/* False: there are too many. */
static bool find_blocks(const struct squares *s, struct blocks *all)
{
	struct block run;
	all->n = 0;
	for (int y = 0; y < s->rows; y++) {
		for (int x = 0; next_run(s, x, y, &run);) {
			x = add_run(all, &run);
			if (x < 0) {
				return false;
			}
		}
	}
	return true;
}

/* What only a later row made worth joining. */
static void join_blocks(struct blocks *all)
{
	struct block u;
	for (int i = 0; i < all->n; i++) {
		for (int k = 0; k < all->n; k++) {
			if (k != i && try_join(all, i, &all->at[k], &u)) {
				i = put_block(all, i, u);
				k = -1;
			}
		}
	}
}

/* ---- rectangles ---- */

static struct rect rect_of(
	const struct picture_diff *d, const struct squares *s, const struct block *b)
{
	struct diff_box box = { 0 };
	for (int y = b->y0; y < b->y1; y++) {
		for (int x = b->x0; x < b->x1; x++) {
			add_box(&box, &s->boxes[y * s->cols + x]);
		}
	}
	return (struct rect){ d->area.x + box.x0, d->area.y + box.y0, box.x1 - box.x0,
		box.y1 - box.y0 };
}

void diff_find_areas(struct picture_diff *d, struct picture_change *ret)
{
	struct blocks all;
	struct squares s = make_squares(d);
	while (!find_blocks(&s, &all)) {
		enlarge_squares(&s);
	}
	join_blocks(&all);
	for (int i = 0; i < all.n; i++) {
		ret->areas[ret->n_areas++] = rect_of(d, &s, &all.at[i]);
	}
}

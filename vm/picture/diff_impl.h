#ifndef VM_PICTURE_DIFF_IMPL_H
#define VM_PICTURE_DIFF_IMPL_H

#include "vm/picture/diff.h"

#include <stdbool.h>

/*
 * What the files of diff share. A cell is CELL pixels of one row; a mask has one bit for each of
 * them. All coordinates are relative to the area, except in struct picture_change.
 */

#define CELL 16
#define DIFF_STRIP 64 /* pixels that are hashed together, 4 cells */

#define STRIP_CELLS (DIFF_STRIP / CELL)

struct diff_pair {
	uint32_t old, fresh;
};

struct diff_slot {
	uint32_t hash;
	int32_t at; /* -1: empty; -2: at more than one place */
};

/* A rectangle of pixels; x1 0: empty. */
struct diff_box {
	uint16_t x0, y0, x1, y1;
};

struct picture_diff {
	/* of one take */
	const struct image *picture, *fresh;
	struct rect area;
	int cols;              /* cells in a row */
	size_t n_differing;    /* cells, with the ones between them in a row */
	struct diff_box range; /* of all differing cells: x in cells, y in rows */

	/* Scratch memory, for areas of up to these sizes. */
	size_t room_cells;
	int room_side;            /* width and height in pixels */
	uint16_t *differs;        /* a mask for each cell: set where picture and fresh differ */
	uint8_t *row_differs;     /* for each row: a mask of it may have a bit */
	uint16_t *after;          /* masks of one row: diff_moves.c */
	int8_t *weights;          /* for each cell: diff_moves.c */
	struct diff_box *boxes;   /* diff_areas.c */
	int *sums;                /* for each column or row */
	uint32_t *votes;          /* for each distance from -side to side */
	struct diff_pair *hashes; /* for each strip: diff_votes.c */
	struct diff_slot *slots;  /* n_slots, a power of two, at least 2 for each pixel of a side */
	uint32_t n_slots;
	uint64_t keys[DIFF_STRIP / 2];
};

static inline const uint8_t *diff_old(const struct picture_diff *d, int x, int y)
{
	return d->picture->pixels + (size_t)(d->area.y + y) * d->picture->stride +
	       (size_t)(d->area.x + x) * 4;
}

static inline const uint8_t *diff_new(const struct picture_diff *d, int x, int y)
{
	return d->fresh->pixels + (size_t)y * d->fresh->stride + (size_t)x * 4;
}

/* Of the cells of a row. */
static inline uint16_t *diff_masks(const struct picture_diff *d, int y)
{
	return d->differs + (size_t)y * (size_t)d->cols;
}

static inline struct diff_pair *diff_hashes(const struct picture_diff *d, int y)
{
	return d->hashes + (size_t)y * (size_t)((d->cols + STRIP_CELLS - 1) / STRIP_CELLS);
}

/* Pixels in a cell of that column. */
static inline int diff_cell_width(const struct picture_diff *d, int col)
{
	int left = d->area.width - col * CELL;
	return left < CELL ? left : CELL;
}

static inline int diff_min(int a, int b)
{
	return a < b ? a : b;
}

static inline int diff_max(int a, int b)
{
	return a > b ? a : b;
}

/* ---- diff_compare.c ---- */

/* Compares the cells of these columns and rows; diff_measure() then counts them. */
void diff_compare(struct picture_diff *d, int col0, int col1, int y0, int y1);
void diff_measure(struct picture_diff *d);

/* ---- diff_pixels.c: the loops over pixels ---- */

/* n pixels, up to CELL. */
unsigned diff_mask(const uint8_t *a, const uint8_t *b, int n);
/* Any number of pixels; returns whether they differ. */
bool diff_mask_row(const uint8_t *a, const uint8_t *b, int n, uint16_t *ret);
/* Whether n pixels, at least one, have one colour. */
bool diff_is_plain(const uint8_t *a, int n);
/* Of n pixels, up to DIFF_STRIP. */
uint32_t diff_hash(const uint64_t keys[DIFF_STRIP / 2], const uint8_t *a, int n);
void diff_make_keys(uint64_t keys[DIFF_STRIP / 2]);

/* ---- diff_areas.c ---- */

/* Rectangles around all differing pixels. */
void diff_find_areas(struct picture_diff *d, struct picture_change *ret);

/* ---- diff_moves.c ---- */

/* If a part of the area shows what the picture has (dx, dy) away, and to copy it saves work: adds
 * the best such part to ret, carries the move out in the picture and compares again. */
bool diff_try_move(struct picture_diff *d, int dx, int dy, struct picture_change *ret);

/* ---- diff_votes.c ---- */

/* Finds moves, and tries them. */
void diff_find_moves(struct picture_diff *d, struct picture_change *ret);

#endif

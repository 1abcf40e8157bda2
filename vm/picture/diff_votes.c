/*
 * Finds how far something moved. Pieces of the picture that are found again, once, in the fresh
 * pixels vote for their distance. Pieces of one colour and pieces that occur twice have no vote, so
 * a regular pattern has no winner. Up or down, a piece is one row of a strip of DIFF_STRIP pixels;
 * to the side, it is any CELL pixels of one of a few rows.
 */
#include "vm/picture/diff_impl.h"

#include <string.h>

#define DIFFERING_MIN 32 /* cells: less is not worth a search */
#define VOTES_MIN 6
#define TRIES 2        /* the distances with most votes */
#define SAMPLE_ROWS 16 /* for moves to the side */
#define STRIP_CELLS (DIFF_STRIP / CELL)

enum { NOWHERE = -1, SEVERAL = -2 };

/* ---- the places of pieces ---- */

static void clear_slots(struct picture_diff *d)
{
	for (uint32_t i = 0; i < d->n_slots; i++) {
		d->slots[i].at = NOWHERE;
	}
}

/* A piece may push out another one, which has no vote then. */
static void put_piece(struct picture_diff *d, uint32_t hash, int at)
{
	struct diff_slot *slot = &d->slots[hash & (d->n_slots - 1)];
	bool again = slot->at != NOWHERE && slot->hash == hash;
	*slot = (struct diff_slot){ hash, again ? SEVERAL : at };
}

static void vote(struct picture_diff *d, uint32_t hash, int at)
{
	struct diff_slot *slot = &d->slots[hash & (d->n_slots - 1)];
	if (slot->at >= 0 && slot->hash == hash) {
		d->votes[d->room_side + at - slot->at]++;
		slot->at = SEVERAL;
	}
}

/* 0: none. */
static int most_votes(const struct picture_diff *d, int side)
{
	int best = 0;
	uint32_t votes = VOTES_MIN - 1;
	for (int by = 1 - side; by < side; by++) {
		if (by != 0 && d->votes[d->room_side + by] > votes) {
			best = by;
			votes = d->votes[d->room_side + by];
		}
	}
	return best;
}

static void clear_votes(struct picture_diff *d, int side)
{
	memset(d->votes + d->room_side - side, 0, sizeof(*d->votes) * (size_t)(2 * side + 1));
}

/* ---- up and down ---- */

static bool strip_differs(const struct picture_diff *d, int col, int y)
{
	const uint16_t *masks = diff_masks(d, y);
	unsigned any = 0;
	for (int i = col; i < diff_min(col + STRIP_CELLS, d->cols); i++) {
		any |= masks[i];
	}
	return any != 0;
}

static void vote_strip(struct picture_diff *d, int col)
{
	int x = col * CELL, n = diff_min(DIFF_STRIP, d->area.width - x);
	clear_slots(d);
	for (int y = d->range.y0; y < d->range.y1; y++) {
		const uint8_t *piece = diff_old(d, x, y);
		if (strip_differs(d, col, y) && !diff_is_plain(piece, n)) {
			put_piece(d, diff_hash(d->keys, piece, n), y);
		}
	}
	for (int y = d->range.y0; y < d->range.y1; y++) {
		const uint8_t *piece = diff_new(d, x, y);
		if (strip_differs(d, col, y) && !diff_is_plain(piece, n)) {
			vote(d, diff_hash(d->keys, piece, n), y);
		}
	}
}

static bool find_vertical(struct picture_diff *d, struct picture_change *ret)
{
	clear_votes(d, d->area.height);
	for (int col = d->range.x0; col < d->range.x1; col += STRIP_CELLS) {
		vote_strip(d, col);
	}
	for (int i = 0; i < TRIES; i++) {
		int dy = most_votes(d, d->area.height);
		if (dy == 0) {
			return false;
		}
		if (diff_try_move(d, 0, dy, ret)) {
			return true;
		}
		d->votes[d->room_side + dy] = 0;
	}
	return false;
}

/* ---- to the side ---- */

#define ROLL 0x2c9277b5u /* odd, and as good as any */

static uint32_t colour_at(const uint8_t *pixels, int x)
{
	return (uint32_t)pixels[4 * x] << 16 | (uint32_t)pixels[4 * x + 1] << 8 | pixels[4 * x + 2];
}

static void vote_row(struct picture_diff *d, int y, bool fresh)
{
	const uint8_t *row = fresh ? diff_new(d, 0, y) : diff_old(d, 0, y);
	uint32_t hash = 0, out = 1;
	for (int i = 0; i < CELL; i++) {
		out *= ROLL;
	}
	for (int x = 0; x < d->area.width; x++) {
		hash = hash * ROLL + colour_at(row, x) -
		       (x >= CELL ? out * colour_at(row, x - CELL) : 0);
		uint32_t mixed = hash ^ hash >> 15;
		if (x >= CELL - 1 && fresh) {
			vote(d, mixed, x);
		} else if (x >= CELL - 1) {
			put_piece(d, mixed, x);
		}
	}
}

static bool find_horizontal(struct picture_diff *d, struct picture_change *ret)
{
	int rows = d->range.y1 - d->range.y0, step = rows / SAMPLE_ROWS + 1;
	clear_votes(d, d->area.width);
	for (int y = d->range.y0; y < d->range.y1; y += step) {
		if (d->row_differs[y]) {
			clear_slots(d);
			vote_row(d, y, false);
			vote_row(d, y, true);
		}
	}
	int dx = most_votes(d, d->area.width);
	return dx != 0 && diff_try_move(d, dx, 0, ret);
}

void diff_find_moves(struct picture_diff *d, struct picture_change *ret)
{
	if (d->hint.x != 0 || d->hint.y != 0) {
		diff_try_move(d, d->hint.x, d->hint.y, ret);
	}
	while (ret->n_moves < PICTURE_MOVES_MAX && d->n_differing >= DIFFERING_MIN &&
		(find_vertical(d, ret) || find_horizontal(d, ret))) {
	}
}

/*
 * Finds how far something moved. Pieces of the picture that are found again, once, in the fresh
 * pixels vote for their distance. Pieces that occur twice have no vote, so a regular pattern, or
 * what is blank, has no winner. Up or down, a piece is one row of a strip of DIFF_STRIP pixels;
 * to the side, it is any CELL pixels of one of a few rows.
 */
#include "vm/picture/diff_impl.h"

#include <string.h>

#define DIFFERING_MIN 32 /* cells: less is not worth a search */
#define VOTES_MIN 6
#define VOTES_SHARE 8 /* one of so many: lines of text resemble each other here and there */
#define TRIES 2       /* the distances with most votes */
#define SAMPLE_ROWS 8 /* for moves to the side */
#define VOTE_EVERY 4  /* pixels in such a row */

enum { NOWHERE = -1, SEVERAL = -2 };

/* ---- the places of pieces ---- */

static void clear_slots(struct picture_diff *d)
{
	memset(d->slots, 0xff, d->n_slots * sizeof(*d->slots)); /* all are NOWHERE */
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
	uint32_t votes = VOTES_MIN - 1, all = 0;
	for (int by = 1 - side; by < side; by++) {
		if (by != 0) {
			all += d->votes[d->room_side + by];
		}
		if (by != 0 && d->votes[d->room_side + by] > votes) {
			best = by;
			votes = d->votes[d->room_side + by];
		}
	}
	return votes * VOTES_SHARE >= all ? best : 0;
}

static void clear_votes(struct picture_diff *d, int side)
{
	memset(d->votes + d->room_side - side, 0, sizeof(*d->votes) * (size_t)(2 * side + 1));
}

/* ---- up and down ---- */

static bool strip_differs(const uint16_t *masks, int n)
{
	unsigned any = 0;
	for (int i = 0; i < n; i++) {
		any |= masks[i];
	}
	return any != 0;
}

/* Of the strips of a row; 0: it does not differ there. Not strip by strip: caches like rows. */
static void hash_row(struct picture_diff *d, int y)
{
	struct diff_pair *hashes = diff_hashes(d, y);
	for (int col = 0; col < d->cols; col += STRIP_CELLS, hashes++) {
		int x = col * CELL, n = diff_min(DIFF_STRIP, d->area.width - x);
		*hashes = (struct diff_pair){ 0, 0 };
		if (strip_differs(diff_masks(d, y) + col, diff_min(STRIP_CELLS, d->cols - col))) {
			hashes->old = diff_hash(d->keys, diff_old(d, x, y), n);
			if (y % 2) { /* half of the votes will do */
				hashes->fresh = diff_hash(d->keys, diff_new(d, x, y), n);
			}
		}
	}
}

static void vote_strip(struct picture_diff *d, int strip)
{
	clear_slots(d);
	for (int y = d->range.y0; y < d->range.y1; y++) {
		uint32_t hash = diff_hashes(d, y)[strip].old;
		if (hash) {
			put_piece(d, hash, y);
		}
	}
	for (int y = d->range.y0; y < d->range.y1; y++) {
		uint32_t hash = diff_hashes(d, y)[strip].fresh;
		if (hash) {
			vote(d, hash, y);
		}
	}
}

static bool find_vertical(struct picture_diff *d, struct picture_change *ret)
{
	clear_votes(d, d->area.height);
	for (int y = d->range.y0; y < d->range.y1; y++) {
		hash_row(d, y);
	}
	for (int i = d->range.x0 / STRIP_CELLS; i * STRIP_CELLS < d->range.x1; i++) {
		vote_strip(d, i);
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
	uint32_t colour, mask = 0;
	memcpy(&colour, pixels + 4 * x, 4);
	memcpy(&mask, "\xff\xff\xff", 3);
	return colour & mask;
}

static void vote_row(struct picture_diff *d, int y, bool fresh)
{
	const uint8_t *row = fresh ? diff_new(d, 0, y) : diff_old(d, 0, y);
	uint32_t hash = 0, out = 1;
	for (int x = 0; x < diff_min(CELL, d->area.width); x++) {
		hash = hash * ROLL + colour_at(row, x);
		out *= ROLL;
	}
	for (int x = CELL; x < d->area.width; x++) {
		hash = hash * ROLL + colour_at(row, x) - out * colour_at(row, x - CELL);
		if (!fresh) {
			put_piece(d, hash ^ hash >> 15, x);
		} else if (x % VOTE_EVERY == 0) {
			vote(d, hash ^ hash >> 15, x);
		}
	}
}

static void find_horizontal(struct picture_diff *d, struct picture_change *ret)
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
	if (dx != 0) {
		diff_try_move(d, dx, 0, ret);
	}
}

void diff_find_moves(struct picture_diff *d, struct picture_change *ret)
{
	while (ret->n_moves < PICTURE_MOVES_MAX && d->n_differing >= DIFFERING_MIN &&
		find_vertical(d, ret)) {
	}
	if (ret->n_moves == 0 && d->n_differing >= DIFFERING_MIN) {
		find_horizontal(d, ret);
	}
}

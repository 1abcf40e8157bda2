#ifndef VM_RFB_EXACT_H
#define VM_RFB_EXACT_H

#include "vm/rfb/history.h"

/*
 * Which tiles viewers may have as JPEG or film only.  When such a tile has not changed for a while,
 * it is due: it is sent once more, exact.  Due tiles are numbered in the order in which they became
 * so, and one number tells what a viewer still lacks.
 */

struct exact_tile {
	bool lossy;      /* not exact for some viewer, and not due */
	uint32_t number; /* 0: it is not due, or has changed since */
};

struct exact {
	struct size size, tiles;
	struct exact_tile *all;
	size_t n_lossy;
	uint32_t last;  /* number given */
	uint32_t taken; /* no viewer lacks an earlier one; set by the owner */
};

void exact_init(struct exact *e, struct size size);
void exact_done(struct exact *e);
/* The last frame of the history: its moves, then its areas. */
void exact_advance(struct exact *e, const struct history *h);
/* A viewer is sent the area, which is within the size, as JPEG.  One that lacks a due tile gets it
 * exact later anyway. */
void exact_add(struct exact *e, struct rect area);
/* Viewers that have the area exact will not keep it so. */
void exact_spoil(struct exact *e, struct rect area);
/* The lossy tiles that have not changed since frame `before` are due, except in some areas. */
void exact_settle(struct exact *e, const struct history *h, uint32_t before,
	const struct rect *except, size_t n_except);
/*
 * The due tiles after number `from`, at most `most`; *ret_to: the number up to which they go, or the
 * last one when there are no more.  Returns how many.
 */
size_t exact_after(
	const struct exact *e, uint32_t from, size_t most, struct rect *ret, uint32_t *ret_to);

#endif

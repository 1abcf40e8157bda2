#ifndef VM_RFB_HISTORY_H
#define VM_RFB_HISTORY_H

#include "vm/picture/diff.h"

#include <stdbool.h>

/*
 * When each part of a picture last changed, so that a viewer that knows any earlier frame can be
 * told what it lacks.  One number for each viewer is enough, however slow it is.
 */

#define HISTORY_TILE 64 /* pixels */
#define HISTORY_AREAS_MAX (PICTURE_AREAS_MAX + 2 * PICTURE_MOVES_MAX + 2)

struct history {
	struct size size;
	struct size tiles;
	uint32_t frame;    /* counts from 1; a viewer that knows 0 knows nothing */
	uint32_t *changed; /* for each tile the frame that changed it */
	struct picture_move moves[PICTURE_MOVES_MAX]; /* from the frame before to this one: first */
	size_t n_moves;
	struct rect areas[HISTORY_AREAS_MAX]; /* and then new pixels */
	size_t n_areas;
};

/* Frame 1, in which all is new. */
void history_init(struct history *h, struct size size);
void history_done(struct history *h);
/* The next frame; nothing happens if the change is empty.  What lies outside of the size is cut
 * off. */
void history_add(struct history *h, const struct picture_move *moves, size_t n_moves,
	const struct rect *areas, size_t n_areas);
/* Whether h->moves and h->areas lead from frame `from` to the last one. */
bool history_is_step(const struct history *h, uint32_t from);
/* The tiles that an area lies in, cut to the size. */
struct rect history_tiles(const struct history *h, struct rect area);
/* Whether anything in the area, which is within the size, changed after frame `from`; to a tile. */
bool history_has_changed(const struct history *h, struct rect area, uint32_t from);
/*
 * What changed since frame `from`, as areas within the size that suit rfb_encode(); moves: of a step
 * the viewer is sent h->moves first.  Returns how many; *ret is the caller's to free, NULL when there
 * are none.
 */
size_t history_since(const struct history *h, uint32_t from, bool moves, struct rect **ret);

#endif

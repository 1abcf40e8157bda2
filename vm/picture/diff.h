#ifndef VM_PICTURE_DIFF_H
#define VM_PICTURE_DIFF_H

#include "vm/picture/image.h"

/* Tells what changed in a picture, and what was only moved. Pure: no X11, no descriptors, no time. */

#define PICTURE_MOVES_MAX 8
#define PICTURE_AREAS_MAX 64

/* from: the top left corner of the source, which has the size of `to`. */
struct picture_move {
	struct rect to;
	struct point from;
};

/* Coordinates are pixels of the whole picture. Areas do not overlap each other; they may overlap
 * the destinations of moves. */
struct picture_change {
	struct picture_move moves[PICTURE_MOVES_MAX];
	size_t n_moves;
	struct rect areas[PICTURE_AREAS_MAX];
	size_t n_areas;
};

struct picture_diff; /* scratch memory: about 0.35 bytes a pixel of the largest area so far */

struct picture_diff *picture_diff_new(void);
void picture_diff_free(struct picture_diff *d); /* NULL-safe */

/*
 * Takes `fresh`, the pixels of `area` of `picture`, into it. The area is within the picture, has
 * the size of `fresh`, and its sides are at most 65535. The fourth byte of a pixel is ignored; where
 * nothing else of a pixel differs, the picture keeps its own.
 *
 * ret: moves, to be applied one after the other to the old picture as RFB's CopyRect is (each reads
 * what the earlier ones left; source and destination of one may overlap), then areas whose pixels
 * are to be read from the new picture. Both are empty if nothing changed. The source of a move may
 * be outside of `area`, its destination is not. The time is linear in the area.
 */
void picture_diff_take(struct picture_diff *d, const struct image *picture, struct rect area,
	const struct image *fresh, struct picture_change *ret);

#endif

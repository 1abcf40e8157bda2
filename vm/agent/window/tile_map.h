#ifndef VM_AGENT_WINDOW_TILE_MAP_H
#define VM_AGENT_WINDOW_TILE_MAP_H

#include "vm/agent/x11/shm_capture.h"

/*
 * A picture composed of others, in tiles that record what must be composed again and what has
 * changed.  Areas without an image are plain.
 */
struct tile_map {
	struct image picture;
	struct size tiles;
	uint8_t *tile;
};

enum { TILE_FRESH = 1, TILE_CHANGED = 2 }; /* must be composed; not taken yet */

void tile_map_done(struct tile_map *m);
/* Makes all of it plain, and to be composed. */
void tile_map_resize(struct tile_map *m, struct size size);
/* area may extend beyond the picture. */
void tile_map_mark(struct tile_map *m, struct rect area, int bits);
void tile_map_mark_all(struct tile_map *m, int bits);
/* The next tile to compose, which counts as changed from now on.  False: none. */
bool tile_map_next(struct tile_map *m, struct rect *ret_tile);
/* What has changed since the last call, as at most max rectangles; the rest remains for the
 * next. */
size_t tile_map_take(struct tile_map *m, struct rect *ret_rects, size_t max);

/* ---- images ---- */

/* at: position of from's corner in to; area: within `to`. */
void tile_map_copy(
	const struct image *to, const struct image *from, struct point at, struct rect area);
/* area: within the image. */
void tile_map_clear(const struct image *image, struct rect area);
/* Keeps the intersection; new areas are plain.  A zeroed image is an empty one; free() its
 * pixels. */
void tile_map_resize_image(struct image *image, struct size size);

#endif

#ifndef VM_AGENT_WINDOW_TILE_MAP_H
#define VM_AGENT_WINDOW_TILE_MAP_H

#include "vm/agent/x11/shm_capture.h"

/*
 * A picture composed of others, in tiles that remember what is to be composed again and what that
 * has changed.  Where no image is, it is plain.
 */
struct tile_map {
	struct image picture;
	struct size tiles;
	uint8_t *tile;
};

enum { TILE_FRESH = 1, TILE_CHANGED = 2 }; /* to be composed; to be taken */

void tile_map_done(struct tile_map *m);
/* All of it is plain then, and to be composed. */
void tile_map_resize(struct tile_map *m, struct size size);
/* area may reach beyond the picture. */
void tile_map_mark(struct tile_map *m, struct rect area, int bits);
void tile_map_mark_all(struct tile_map *m, int bits);
/* The next tile to be composed, which counts as changed from now on.  False: there is none. */
bool tile_map_next(struct tile_map *m, struct rect *ret_tile);
/* What has changed since it was last taken, as at most max rectangles; the rest stays. */
size_t tile_map_take(struct tile_map *m, struct rect *ret_rects, size_t max);

/* ---- images ---- */

/* at: where from's corner is in to; area: of `to`, within it. */
void tile_map_copy(
	const struct image *to, const struct image *from, struct point at, struct rect area);
/* area: of the image, within it. */
void tile_map_clear(const struct image *image, struct rect area);
/* Keeps what is in both; what is new is plain.  A zeroed image is an empty one; free() its pixels.
 */
void tile_map_resize_image(struct image *image, struct size size);

#endif

#ifndef VM_RFB_MOTION_H
#define VM_RFB_MOTION_H

#include "vm/picture/diff.h"

#include <stdbool.h>

/*
 * Finds where a picture moves like a film: areas of many colours that change several times a second
 * for a second or more.  Text that scrolls has few colours, a cursor blinks too slowly.  Areas begin
 * and end at rounds of MOTION_ROUND_MS, and end when nothing in them has changed for
 * MOTION_STILL_MS.
 */

#define MOTION_AREAS_MAX 2
#define MOTION_ROUND_MS 480
#define MOTION_STILL_MS 200
#define MOTION_SIDE_MIN 96 /* pixels */

struct motion;

struct motion *motion_new(void);
void motion_free(struct motion *m); /* NULL-safe */
/* The picture has changed; what only moved is no motion. */
void motion_see(struct motion *m, const struct image *picture, const struct picture_change *change,
	uint64_t now_us);
/* Time has passed. */
void motion_tick(struct motion *m, const struct image *picture, uint64_t now_us);
/* The areas: MOTION_AREAS_MAX of them, zeroed where there is none.  They do not overlap, are
 * within the picture last seen, and their sides are even.  An area keeps its place in the array. */
const struct rect *motion_areas(const struct motion *m);

#endif

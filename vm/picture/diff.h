#ifndef VM_PICTURE_DIFF_H
#define VM_PICTURE_DIFF_H
#include "vm/picture/image.h"
struct picture_move { struct rect to; struct point from; };
#define PICTURE_MOVES_MAX 8
#define PICTURE_AREAS_MAX 64
struct picture_change { struct picture_move moves[PICTURE_MOVES_MAX]; size_t n_moves; struct rect areas[PICTURE_AREAS_MAX]; size_t n_areas; };
struct picture_diff;
struct picture_diff *picture_diff_new(void);
void picture_diff_free(struct picture_diff *diff);
void picture_diff_take(struct picture_diff *diff, const struct image *picture, struct rect area, const struct image *fresh, struct picture_change *ret);
#endif

#ifndef VM_PICTURE_IMAGE_H
#define VM_PICTURE_IMAGE_H

#include "vm/wire/geometry.h"

#include <stddef.h>
#include <stdint.h>

/* Pixels of 4 bytes: blue, green, red, unused.  Rows are stride bytes apart. */
struct image {
	uint8_t *pixels;
	struct size size;
	size_t stride;
};

/* The same pixels: area must lie within. */
struct image image_part(const struct image *image, struct rect area);

/*
 * Resizes into `to`, whose pixels the caller has allocated: area averages if it shrinks, a bilinear
 * filter if it grows, each direction separately.
 */
void image_scale(const struct image *from, const struct image *to);

#endif

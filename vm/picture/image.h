#ifndef VM_PICTURE_IMAGE_H
#define VM_PICTURE_IMAGE_H

#include "vm/wire/geometry.h"

#include <stddef.h>
#include <stdint.h>

/* Pixels of 4 bytes: blue, green, red, unused.  A row takes stride bytes. */
struct image {
	uint8_t *pixels;
	struct size size;
	size_t stride;
};

/*
 * Resizes into `to`, whose pixels the caller has allocated: by area averages where it shrinks, by a
 * bilinear filter where it grows, each direction by itself.
 */
void image_scale(const struct image *from, const struct image *to);

#endif

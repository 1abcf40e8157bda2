#ifndef VM_PICTURE_CURSOR_H
#define VM_PICTURE_CURSOR_H

#include "vm/picture/image.h"

/* The pointer's image. */
struct cursor_image {
	const uint32_t *pixels; /* ARGB, the colors multiplied with alpha; width * height of them */
	struct size size;
	struct point hot; /* the hot spot, within the image */
	uint64_t serial;  /* another one for another image */
};

/* at: of the hot spot, in the pixels of the picture, or outside of it. */
void cursor_image_paint(
	const struct cursor_image *cursor, struct point at, const struct image *picture);

#endif

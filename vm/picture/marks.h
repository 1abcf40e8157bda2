#ifndef VM_PICTURE_MARKS_H
#define VM_PICTURE_MARKS_H

#include "vm/picture/image.h"

#include <stddef.h>

/* Numbers on the parts of a picture: a frame around each, and beside it a label that covers as
 * little as possible of the others.  Readable on light and on dark. */

struct picture_mark {
	int number;      /* at most three digits */
	struct rect box; /* in pixels of the picture */
};

/* zoom: pixels for one of a digit, of which there are 6x9.  The pixels are modified. */
void picture_marks_draw(
	const struct image *picture, const struct picture_mark *marks, size_t n, int zoom);

#endif

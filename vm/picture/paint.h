#ifndef VM_PICTURE_PAINT_H
#define VM_PICTURE_PAINT_H

#include "vm/picture/image.h"
#include "vm/wire/action.h"

/* Converts captured pixels to the image for a model: scaled, encoded, and reduced until it fits.
 * The agent does this or, if its CPU is emulated, the host. */

struct paint_want {
	struct size size;
	int64_t format; /* enum observe_format */
	int64_t quality, max_bytes;
	double scale; /* image pixels per pixel of the frame space, at that size */
};

struct painted {
	struct size size;
	int64_t quality;
	double scale;
	char reduced[240];    /* a sentence if it was reduced, else empty */
	const uint8_t *bytes; /* valid until the next call */
	size_t len;
};

struct painter;
struct painter *painter_new(struct err *err) NODISCARD;
void painter_free(struct painter *p); /* NULL-safe */
bool painter_paint(struct painter *p, const struct image *raw, const struct paint_want *want,
	struct painted *ret, struct err *err) NODISCARD;

#endif

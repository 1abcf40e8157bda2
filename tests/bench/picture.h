#ifndef BENCH_PICTURE_H
#define BENCH_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

struct picture {
	int width, height;
	unsigned char *rgb; /* NULL: none */
};
#define auto_picture __attribute__((cleanup(picture_done)))
void picture_done(struct picture *p);

/* Of a JPEG; false when it is none. */
bool picture_decode(const void *jpeg, size_t len, struct picture *ret);
/* The same, as base64. */
bool picture_decode64(const char *base64, size_t len, struct picture *ret);

/* Whether it has about this colour (0xrrggbb) at x, y. */
bool picture_is(const struct picture *p, int x, int y, unsigned colour);
/* picture_decode64() and picture_is() at once. */
bool picture_has(const char *base64, size_t len, int x, int y, unsigned colour);
/* Whether two show the same desktop: all but the panel's clock, and a pointer's worth of pixels. */
bool picture_alike(const struct picture *a, const struct picture *b);
/* Whether they differ within so many pixels to the right of and below x, y. */
bool picture_differs(const struct picture *a, const struct picture *b, int x, int y, int side);

#endif

#ifndef VM_RFB_PALETTE_H
#define VM_RFB_PALETTE_H

#include "base/buf.h"
#include "vm/picture/image.h"

/* The colours of an image, if they are few. */

#define PALETTE_MAX 256
#define PALETTE_SLOTS 1024 /* a power of two */

struct palette {
	uint32_t colors[PALETTE_MAX]; /* 0xRRGGBB, in the order in which they come */
	int n;
	uint32_t keys[PALETTE_SLOTS];
	int16_t index[PALETTE_SLOTS]; /* -1: the slot is empty */
};

static inline uint32_t palette_color(const uint8_t *pixel)
{
	return (uint32_t)pixel[2] << 16 | (uint32_t)pixel[1] << 8 | pixel[0];
}

/* Fills indexes with one byte for each pixel.  False: there are more than PALETTE_MAX colours. */
bool palette_count(struct palette *p, const struct image *image, struct buf *indexes);
/* Packs indexes 0 and 1 into bits, the first in the highest; each row begins a byte. */
void palette_pack_bits(struct buf *indexes, struct size size);

#endif

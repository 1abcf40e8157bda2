#include "vm/rfb/palette.h"

#include <string.h>

/* The index of a colour; a new one gets the next.  -1: they are too many. */
static int index_of(struct palette *p, uint32_t color)
{
	uint32_t slot = (color * 2654435761u) >> 22;
	while (p->index[slot] >= 0 && p->keys[slot] != color) {
		slot = (slot + 1) % PALETTE_SLOTS;
	}
	if (p->index[slot] < 0) {
		if (p->n == PALETTE_MAX) {
			return -1;
		}
		p->keys[slot] = color;
		p->index[slot] = (int16_t)p->n;
		p->colors[p->n++] = color;
	}
	return p->index[slot];
}

bool palette_count(struct palette *p, const struct image *image, struct buf *indexes)
{
	p->n = 0;
	memset(p->index, 0xff, sizeof(p->index));
	indexes->len = 0;
	buf_reserve(indexes, (size_t)image->size.width * (size_t)image->size.height);
	for (int y = 0; y < image->size.height; y++) {
		const uint8_t *in = image->pixels + (size_t)y * image->stride;
		uint32_t last = UINT32_MAX;
		int index = 0;
		for (int x = 0; x < image->size.width; x++, in += 4) {
			uint32_t color = palette_color(in);
			index = color == last ? index : index_of(p, color);
			if (index < 0) {
				return false;
			}
			last = color;
			indexes->data[indexes->len++] = (uint8_t)index;
		}
	}
	return true;
}

void palette_pack_bits(struct buf *indexes, struct size size)
{
	size_t to = 0;
	for (int y = 0; y < size.height; y++) {
		const uint8_t *row = indexes->data + (size_t)y * (size_t)size.width;
		for (int x = 0; x < size.width; x += 8) {
			unsigned bits = 0;
			for (int i = 0; i < 8 && x + i < size.width; i++) {
				bits |= (unsigned)row[x + i] << (7 - i);
			}
			indexes->data[to++] = (uint8_t)bits; /* behind what is read */
		}
	}
	indexes->len = to;
}

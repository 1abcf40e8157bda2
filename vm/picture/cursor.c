#include "vm/picture/cursor.h"

static void blend(uint8_t *pixel, uint32_t argb)
{
	uint32_t through = 255 - (argb >> 24);
	for (int i = 0; i < 3; i++) {
		uint32_t value = (argb >> (8 * i) & 0xff) + (pixel[i] * through + 127) / 255;
		pixel[i] = (uint8_t)(value < 255 ? value : 255);
	}
}

void cursor_image_paint(
	const struct cursor_image *cursor, struct point at, const struct image *picture)
{
	int left = at.x - cursor->hot.x, top = at.y - cursor->hot.y;
	for (int y = 0; y < cursor->size.height; y++) {
		for (int x = 0; x < cursor->size.width; x++) {
			int to_x = left + x, to_y = top + y;
			if (to_x >= 0 && to_x < picture->size.width && to_y >= 0 &&
				to_y < picture->size.height) {
				blend(picture->pixels + (size_t)to_y * picture->stride +
						(size_t)to_x * 4,
					cursor->pixels[y * cursor->size.width + x]);
			}
		}
	}
}

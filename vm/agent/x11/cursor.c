#include "vm/agent/x11/cursor.h"

#include "base/cleanup.h"

struct cursor {
	struct display *display;
	XFixesCursorImage *image;
	uint64_t serial;
};

struct cursor *cursor_new(struct display *d)
{
	struct cursor *c = must(calloc(1, sizeof(*c)));
	c->display = d;
	c->serial = UINT64_MAX;
	return c;
}

void cursor_free(struct cursor *c)
{
	if (c) {
		if (c->image) {
			XFree(c->image);
		}
		free(c);
	}
}

const XFixesCursorImage *cursor_image(struct cursor *c)
{
	uint64_t serial = display_cursor_serial(c->display);
	if (c->serial != serial) {
		if (c->image) {
			XFree(c->image);
		}
		c->image = XFixesGetCursorImage(display_x(c->display));
		c->serial = serial;
	}
	return c->image;
}

static void blend(uint8_t *pixel, uint32_t argb)
{
	uint32_t through = 255 - (argb >> 24);
	for (int i = 0; i < 3; i++) {
		uint32_t value = (argb >> (8 * i) & 0xff) + (pixel[i] * through + 127) / 255;
		pixel[i] = (uint8_t)(value < 255 ? value : 255);
	}
}

void cursor_draw(const XFixesCursorImage *cursor, struct point at, const struct image *image)
{
	int left = at.x - cursor->xhot, top = at.y - cursor->yhot;
	for (int y = 0; y < cursor->height; y++) {
		for (int x = 0; x < cursor->width; x++) {
			int to_x = left + x, to_y = top + y;
			if (to_x >= 0 && to_x < image->size.width && to_y >= 0 &&
				to_y < image->size.height) {
				blend(image->pixels + (size_t)to_y * image->stride +
						(size_t)to_x * 4,
					(uint32_t)cursor->pixels[y * cursor->width + x]);
			}
		}
	}
}

#include "vm/agent/x11/cursor.h"

#include "base/cleanup.h"

struct cursor {
	struct display *display;
	struct cursor_image image;
	uint32_t *pixels; /* the image's; NULL: there is none */
	bool known;
};

struct cursor *cursor_new(struct display *d)
{
	struct cursor *c = must(calloc(1, sizeof(*c)));
	c->display = d;
	return c;
}

void cursor_free(struct cursor *c)
{
	if (c) {
		free(c->pixels);
		free(c);
	}
}

/* Xlib has each pixel in a long. */
static uint32_t *pixels_of(const XFixesCursorImage *image)
{
	size_t n = (size_t)image->width * image->height;
	uint32_t *pixels = must(calloc(n ? n : 1, sizeof(*pixels)));
	for (size_t i = 0; i < n; i++) {
		pixels[i] = (uint32_t)image->pixels[i];
	}
	return pixels;
}

static void fetch(struct cursor *c, uint64_t serial)
{
	XFixesCursorImage *image = XFixesGetCursorImage(display_x(c->display));
	free(c->pixels);
	c->pixels = image ? pixels_of(image) : NULL;
	c->image = (struct cursor_image){ .pixels = c->pixels, .serial = serial };
	if (image) {
		c->image.size = (struct size){ image->width, image->height };
		c->image.hot = (struct point){ image->xhot, image->yhot };
		XFree(image);
	}
}

const struct cursor_image *cursor_image(struct cursor *c)
{
	uint64_t serial = display_cursor_serial(c->display);
	if (!c->known || c->image.serial != serial) {
		c->known = true;
		fetch(c, serial);
	}
	return c->pixels ? &c->image : NULL;
}

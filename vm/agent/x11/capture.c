/* Captures the screen's pixels and draws the pointer on top of them. */
#include "vm/agent/x11/capture.h"

#include "base/cleanup.h"
#include "vm/agent/x11/cursor.h"

struct capture {
	struct display *display;
	struct grab *grab;
	struct cursor *cursor;
};

struct capture *capture_new(struct display *d, struct err *err)
{
	struct grab *grab = grab_new(d, err);
	if (!grab) {
		return NULL;
	}
	struct capture *c = must(calloc(1, sizeof(*c)));
	c->display = d;
	c->grab = grab;
	c->cursor = cursor_new(d);
	return c;
}

void capture_free(struct capture *c)
{
	if (c) {
		grab_free(c->grab);
		cursor_free(c->cursor);
		free(c);
	}
}

bool capture_grab(struct capture *c, struct rect area, struct point pointer,
	struct image *ret_image, struct err *err)
{
	Display *x = display_x(c->display);
	int depth = DefaultDepth(x, DefaultScreen(x));
	if (!grab_pixels(c->grab, display_root(c->display), depth, area, ret_image, err)) {
		return false;
	}
	const struct cursor_image *cursor = cursor_image(c->cursor);
	if (cursor) {
		struct point within = { pointer.x - area.x, pointer.y - area.y };
		cursor_image_paint(cursor, within, ret_image);
	}
	return true;
}

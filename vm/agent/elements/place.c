/* Where an element is: what its program says, as far as it can be true. */
#include "vm/agent/elements/read.h"

const struct read_window *read_window_of(const struct read_window *windows, const struct node *node)
{
	while (node->parent) {
		node = node->parent;
	}
	const struct read_window *w = windows;
	while (w->node != node) {
		w++;
	}
	return w;
}

static int within(int64_t at, int max)
{
	return at < 0 ? 0 : at > max ? max : (int)at;
}

bool read_place(struct rect box, struct point shift, struct size screen, struct rect *ret)
{
	int64_t x = (int64_t)box.x + shift.x, y = (int64_t)box.y + shift.y;
	int x0 = within(x, screen.width), y0 = within(y, screen.height);
	int x1 = within(x + box.width, screen.width), y1 = within(y + box.height, screen.height);
	*ret = (struct rect){ x0, y0, x1 - x0, y1 - y0 };
	return x1 > x0 && y1 > y0;
}

bool read_box(
	const struct node *node, const struct read_window *w, struct size screen, struct rect *ret)
{
	return node->has_box && read_place(node->box, w->shift, screen, ret) &&
	       (!w->on_screen || rect_overlaps(*ret, w->on_screen->rect));
}

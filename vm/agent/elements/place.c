/* Where an element is: what its program says, as far as it can be true. */
#include "vm/agent/elements/read.h"

#include <limits.h>
#include <stdlib.h>

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

static int scaled(int64_t at, int percent)
{
	int64_t is = (at * percent + (at < 0 ? -50 : 50)) / 100;
	return is < INT_MIN / 2 ? INT_MIN / 2 : is > INT_MAX / 2 ? INT_MAX / 2 : (int)is;
}

struct rect read_scaled(struct rect box, int percent)
{
	int x = scaled(box.x, percent), y = scaled(box.y, percent);
	int right = scaled((int64_t)box.x + box.width, percent);
	int bottom = scaled((int64_t)box.y + box.height, percent);
	return (struct rect){ x, y, right - x, bottom - y };
}

bool read_place(struct rect box, struct read_map map, struct size screen, struct rect *ret)
{
	struct rect at = read_scaled(box, map.percent);
	int64_t x = (int64_t)at.x + map.shift.x, y = (int64_t)at.y + map.shift.y;
	int x0 = within(x, screen.width), y0 = within(y, screen.height);
	int x1 = within(x + at.width, screen.width), y1 = within(y + at.height, screen.height);
	*ret = (struct rect){ x0, y0, x1 - x0, y1 - y0 };
	return x1 > x0 && y1 > y0;
}

bool read_box(
	const struct node *node, const struct read_window *w, struct size screen, struct rect *ret)
{
	return node->has_box && read_place(node->box, w->map, screen, ret) &&
	       (!w->on_screen || rect_overlaps(*ret, w->on_screen->rect));
}

/* ---- programs that draw larger than they say ---- */

static int64_t distance(const struct rect *box, int percent, const struct rect *window)
{
	struct rect is = read_scaled(*box, percent);
	return llabs((int64_t)is.width - window->width) +
	       llabs((int64_t)is.height - window->height);
}

/* Between the sizes that the program says and those of the windows that they fit best. */
static int64_t misfit(
	const struct target *target, const struct read_window *windows, size_t n, int percent)
{
	int64_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t least = INT64_MAX;
		for (size_t j = 0; windows[i].node->has_box && j < target->n; j++) {
			int64_t d =
				distance(&windows[i].node->box, percent, &target->windows[j].rect);
			least = d < least ? d : least;
		}
		sum += least == INT64_MAX ? 0 : least;
	}
	return sum;
}

/* Toolkits that scale a whole window tell the places before that: GTK and Firefox by a whole factor,
 * Qt by any. */
int read_percent(
	const struct target *target, const struct read_window *windows, size_t n, int scale)
{
	const int others[] = { scale, scale / 100 * 100 };
	int best = 100;
	int64_t least = misfit(target, windows, n, best);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		int64_t d = misfit(target, windows, n, others[i]);
		if (d < least) {
			least = d;
			best = others[i];
		}
	}
	return best;
}

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

/* ---- popups ---- */

#define MARGIN 24 /* a popover may have one, within its popup */

static bool is_within(int at, int length, int whole)
{
	return at >= 0 && at + length <= whole && whole - length <= MARGIN;
}

/* GTK 4 places a popover in its window as if it were at the origin of the widget above it. Which of the popups it is, its size
 * tells. */
static bool is_popup(const struct node *node, const struct read_window *w,
	const struct window_popup *popup, struct read_popup *ret)
{
	struct rect box = read_scaled(node->box, w->map.percent);
	struct rect above = read_scaled(node->parent->box, w->map.percent);
	if (!node->has_box || !node->parent->has_box ||
		!is_within(box.x - above.x, box.width, popup->rect.width) ||
		!is_within(box.y - above.y, box.height, popup->rect.height)) {
		return false;
	}
	*ret = (struct read_popup){ popup->id, { above.x, above.y }, popup->rect };
	return true;
}

/* The outermost: what is in a popover may have almost its size. */
bool read_popup_of(const struct node *node, const struct read_window *w, struct read_popup *ret)
{
	bool found = false;
	for (; w->popups && node->parent; node = node->parent) {
		for (size_t i = 0; i < w->popups->n; i++) {
			found |= is_popup(node, w, &w->popups->all[i], ret);
		}
	}
	return found;
}

struct point read_popup_shift(struct point origin, struct rect popup)
{
	return (struct point){ popup.x - origin.x, popup.y - origin.y };
}

bool read_box(
	const struct node *node, const struct read_window *w, struct size screen, struct rect *ret)
{
	struct read_popup popup;
	bool in_popup = read_popup_of(node, w, &popup);
	struct read_map map = w->map;
	if (in_popup) {
		map.shift = read_popup_shift(popup.origin, popup.rect);
	}
	return node->has_box && read_place(node->box, map, screen, ret) &&
	       (in_popup || !w->on_screen || rect_overlaps(*ret, w->on_screen->rect));
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

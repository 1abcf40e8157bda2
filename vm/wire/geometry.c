/* The size of a model's image, and the mapping of its coordinates to the screen.  Pixels map by
 * their centres. */
#include "vm/wire/geometry.h"

#define PATCH 28 /* edge of a patch, in pixels */

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

bool rect_overlaps(struct rect a, struct rect b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
	       b.y < a.y + a.height;
}

struct rect rect_join(struct rect a, struct rect b)
{
	int x = smaller(a.x, b.x), y = smaller(a.y, b.y);
	return (struct rect){ x, y, larger(a.x + a.width, b.x + b.width) - x,
		larger(a.y + a.height, b.y + b.height) - y };
}

struct rect rect_clip(struct rect area, struct size size)
{
	int x = larger(area.x, 0), y = larger(area.y, 0);
	int right = smaller(area.x + area.width, size.width);
	int below = smaller(area.y + area.height, size.height);
	return (struct rect){ x, y, larger(right - x, 0), larger(below - y, 0) };
}

/* Reads digits (strtol would accept signs and blanks) and advances *at. */
static int read_number(const char **at)
{
	int number = 0;
	for (; **at >= '0' && **at <= '9' && number < 100000; (*at)++) {
		number = number * 10 + (**at - '0');
	}
	return number;
}

bool geometry_read(const char *text, const char *called, struct size *ret_size, struct err *err)
{
	const char *at = text;
	int width = read_number(&at);
	bool has_x = *at == 'x' && at++;
	int height = read_number(&at);
	if (!has_x || *at || width < SCREEN_WIDTH_MIN || width > SCREEN_WIDTH_MAX ||
		height < SCREEN_HEIGHT_MIN || height > SCREEN_HEIGHT_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' must be WIDTHxHEIGHT, from %dx%d to %dx%d, for example 1280x800; got "
			"\"%.60s\"",
			called, SCREEN_WIDTH_MIN, SCREEN_HEIGHT_MIN, SCREEN_WIDTH_MAX,
			SCREEN_HEIGHT_MAX, text);
	}
	*ret_size = (struct size){ width, height };
	return true;
}

static int patches(int pixels)
{
	return (pixels + PATCH - 1) / PATCH;
}

static bool fits(struct size s)
{
	return s.width <= BUDGET_EDGE && s.height <= BUDGET_EDGE &&
	       (int64_t)patches(s.width) * patches(s.height) <= BUDGET_PATCHES;
}

/* The other edge of the same aspect ratio, rounded; at least 1. */
static int other_edge(int edge, int of, int other)
{
	int scaled = (int)(((int64_t)edge * other * 2 + of) / ((int64_t)of * 2));
	return scaled > 0 ? scaled : 1;
}

/* The largest size of this aspect ratio within the budget. */
struct size geometry_fill(struct size region)
{
	bool wide = region.width >= region.height;
	int longer = wide ? region.width : region.height;
	int shorter = wide ? region.height : region.width;
	struct size best = { 1, 1 };
	for (int edge = BUDGET_EDGE; edge > 0 && shorter > 0; edge--) {
		int other = other_edge(edge, longer, shorter);
		best = wide ? (struct size){ edge, other } : (struct size){ other, edge };
		if (fits(best)) {
			break;
		}
	}
	return best;
}

struct size geometry_fit(struct size screen)
{
	return fits(screen) ? screen : geometry_fill(screen);
}

static int scale(int at, int from, int to)
{
	int64_t scaled = ((int64_t)at * 2 + 1) * to / ((int64_t)from * 2);
	return at < 0 || scaled < 0 ? 0 : scaled >= to ? to - 1 : (int)scaled;
}

struct point geometry_to_screen(struct point p, struct size frame, struct size screen)
{
	return (struct point){ scale(p.x, frame.width, screen.width),
		scale(p.y, frame.height, screen.height) };
}

struct point geometry_to_frame(struct point p, struct size frame, struct size screen)
{
	return (struct point){ scale(p.x, screen.width, frame.width),
		scale(p.y, screen.height, frame.height) };
}

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

bool rect_equal(struct rect a, struct rect b)
{
	return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
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

struct field_ints rect_edges(struct rect r)
{
	return (struct field_ints){ 4, { r.x, r.y, r.x + r.width, r.y + r.height } };
}

struct field_ints size_sides(struct size size)
{
	return (struct field_ints){ 2, { size.width, size.height } };
}

struct rect rect_common(struct rect a, struct rect b)
{
	int x = larger(a.x, b.x), y = larger(a.y, b.y);
	return (struct rect){ x, y, smaller(a.x + a.width, b.x + b.width) - x,
		smaller(a.y + a.height, b.y + b.height) - y };
}

static size_t put_rect(struct rect *ret, int x, int y, int right, int below)
{
	*ret = (struct rect){ x, y, right - x, below - y };
	return right > x && below > y;
}

struct point rect_centre(struct rect r)
{
	return (struct point){ r.x + r.width / 2, r.y + r.height / 2 };
}

bool rect_has_centre(struct rect area, struct rect r)
{
	struct point at = rect_centre(r);
	return rect_overlaps(area, (struct rect){ at.x, at.y, 1, 1 });
}

size_t rect_without(struct rect area, struct rect hole, struct rect ret[4])
{
	int right = area.x + area.width, below = area.y + area.height;
	if (!rect_overlaps(area, hole)) {
		return put_rect(ret, area.x, area.y, right, below);
	}
	int top = larger(hole.y, area.y), bottom = smaller(hole.y + hole.height, below);
	size_t n = put_rect(ret, area.x, area.y, right, top);
	n += put_rect(ret + n, area.x, top, hole.x, bottom);
	n += put_rect(ret + n, hole.x + hole.width, top, right, bottom);
	return n + put_rect(ret + n, area.x, bottom, right, below);
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

bool size_equal(struct size a, struct size b)
{
	return a.width == b.width && a.height == b.height;
}

bool geometry_is_screen(struct size size)
{
	return size.width >= SCREEN_WIDTH_MIN && size.width <= SCREEN_WIDTH_MAX &&
	       size.height >= SCREEN_HEIGHT_MIN && size.height <= SCREEN_HEIGHT_MAX;
}

bool geometry_read(const char *text, const char *called, struct size *ret_size, struct err *err)
{
	const char *at = text;
	int width = read_number(&at);
	bool has_x = *at == 'x' && at++;
	struct size size = { width, read_number(&at) };
	if (!has_x || *at || !geometry_is_screen(size)) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' must be WIDTHxHEIGHT, from %dx%d to %dx%d, for example 1280x800; got "
			"\"%.60s\"",
			called, SCREEN_WIDTH_MIN, SCREEN_HEIGHT_MIN, SCREEN_WIDTH_MAX,
			SCREEN_HEIGHT_MAX, text);
	}
	*ret_size = size;
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

/* Of the last pixel, because the one after it may be outside the screen. */
struct rect geometry_rect_to_frame(struct rect r, struct size frame, struct size screen)
{
	struct point from = geometry_to_frame((struct point){ r.x, r.y }, frame, screen);
	struct point last = geometry_to_frame(
		(struct point){ r.x + r.width - 1, r.y + r.height - 1 }, frame, screen);
	return (struct rect){ from.x, from.y, last.x + 1 - from.x, last.y + 1 - from.y };
}

/* Towards the left and upward, also left of 0. */
static int shift(int at, int from, int to)
{
	int64_t by = (int64_t)at * to, down = by / from;
	return (int)(down - (by % from < 0));
}

struct rect geometry_place_to_frame(struct rect place, struct size frame, struct size screen)
{
	return (struct rect){ shift(place.x, screen.width, frame.width),
		shift(place.y, screen.height, frame.height),
		-shift(-place.width, screen.width, frame.width),
		-shift(-place.height, screen.height, frame.height) };
}

struct rect geometry_region_to_screen(
	const struct field_ints *region, struct size frame, struct size screen)
{
	const int64_t *r = region->at;
	if (!region->count) {
		return (struct rect){ 0, 0, screen.width, screen.height };
	}
	int x0 = (int)(r[0] * screen.width / frame.width);
	int y0 = (int)(r[1] * screen.height / frame.height);
	int x1 = (int)((r[2] * screen.width + frame.width - 1) / frame.width);
	int y1 = (int)((r[3] * screen.height + frame.height - 1) / frame.height);
	return (struct rect){ x0, y0, x1 - x0, y1 - y0 };
}

bool geometry_check_region(const struct field_ints *region, struct size frame, struct err *err)
{
	const int64_t *r = region->at;
	return !region->count ||
	       (r[0] >= 0 && r[1] >= 0 && r[0] < r[2] && r[1] < r[3] && r[2] <= frame.width &&
		       r[3] <= frame.height) ||
	       err_set(err, ERR_ARGUMENT,
		       "'region' must be [x0, y0, x1, y1] on the %dx%d screen, with x0 < x1 and y0 "
		       "< y1; got [%lld, %lld, %lld, %lld]",
		       frame.width, frame.height, (long long)r[0], (long long)r[1], (long long)r[2],
		       (long long)r[3]);
}

struct point geometry_from_grid(struct point p, struct size frame)
{
	return geometry_to_screen(p, (struct size){ GRID, GRID }, frame);
}

struct point geometry_to_grid(struct point p, struct size frame)
{
	return geometry_to_frame(p, (struct size){ GRID, GRID }, frame);
}

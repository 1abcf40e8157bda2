/*
 * A label is at one of eight places at its box.  Its cost is what it hides: the part of each box, and
 * three times the part of each label.  So a small button keeps its face, and a label on a large text
 * costs next to nothing.
 */
#include "vm/picture/marks.h"

#include "base/cleanup.h"

#include <string.h>

#define DIGIT_WIDTH 6
#define DIGIT_HEIGHT 9
#define MARGIN 3 /* of a label around its digits; its outermost pixels are the rim */
#define DIGITS_MAX 3
#define PLACES 8
#define PLAIN_LEAST 12 /* edge of a box that has room for a second line */

#define WHITE 0xffffffu

/* Dark enough for white digits; neighbours differ. */
static const uint32_t colours[] = { 0xc4122f, 0x0a53c8, 0x0b7a2c, 0x8415a8, 0xa84f00, 0x006c78 };

/* Rows from above; the leftmost pixel is the highest of six bits. */
static const uint8_t digits[10][DIGIT_HEIGHT] = {
	{ 0x1e, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x1e },
	{ 0x0c, 0x1c, 0x3c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x3f },
	{ 0x1e, 0x33, 0x03, 0x03, 0x06, 0x0c, 0x18, 0x30, 0x3f },
	{ 0x1e, 0x33, 0x03, 0x03, 0x0e, 0x03, 0x03, 0x33, 0x1e },
	{ 0x03, 0x07, 0x0f, 0x1b, 0x33, 0x3f, 0x03, 0x03, 0x03 },
	{ 0x3f, 0x30, 0x30, 0x3e, 0x03, 0x03, 0x03, 0x33, 0x1e },
	{ 0x0e, 0x18, 0x30, 0x3e, 0x33, 0x33, 0x33, 0x33, 0x1e },
	{ 0x3f, 0x03, 0x03, 0x06, 0x06, 0x0c, 0x0c, 0x18, 0x18 },
	{ 0x1e, 0x33, 0x33, 0x33, 0x1e, 0x33, 0x33, 0x33, 0x1e },
	{ 0x1e, 0x33, 0x33, 0x33, 0x33, 0x1f, 0x03, 0x06, 0x1c },
};

/* ---- pixels ---- */

static void fill(const struct image *to, struct rect area, uint32_t colour)
{
	area = rect_clip(area, to->size);
	for (int y = area.y; y < area.y + area.height; y++) {
		uint8_t *row = to->pixels + (size_t)y * to->stride;
		for (int x = area.x; x < area.x + area.width; x++) {
			memcpy(row + (size_t)x * 4, &colour, 4);
		}
	}
}

static void outline(const struct image *to, struct rect r, int line, uint32_t colour)
{
	fill(to, (struct rect){ r.x, r.y, r.width, line }, colour);
	fill(to, (struct rect){ r.x, r.y + r.height - line, r.width, line }, colour);
	fill(to, (struct rect){ r.x, r.y, line, r.height }, colour);
	fill(to, (struct rect){ r.x + r.width - line, r.y, line, r.height }, colour);
}

static struct rect inside(struct rect r, int by)
{
	return (struct rect){ r.x + by, r.y + by, r.width - 2 * by, r.height - 2 * by };
}

static void put_digit(const struct image *to, int digit, struct point at, int zoom)
{
	for (int y = 0; y < DIGIT_HEIGHT; y++) {
		for (int x = 0; x < DIGIT_WIDTH; x++) {
			if (digits[digit][y] >> (DIGIT_WIDTH - 1 - x) & 1) {
				fill(to,
					(struct rect){
						at.x + x * zoom, at.y + y * zoom, zoom, zoom },
					WHITE);
			}
		}
	}
}

/* ---- labels ---- */

static int digits_of(int number)
{
	return number > 99 ? 3 : number > 9 ? 2 : 1;
}

static struct size label_size(int number, int zoom)
{
	int n = digits_of(number);
	return (struct size){ zoom * (n * (DIGIT_WIDTH + 1) - 1 + 2 * MARGIN),
		zoom * (DIGIT_HEIGHT + 2 * MARGIN) };
}

/* Above, left, right and below before inside, where it would hide more of a small box. */
static struct rect label_at(int place, const struct rect *box, struct size size)
{
	int right = box->x + box->width, below = box->y + box->height;
	const struct point at[PLACES] = {
		{ box->x, box->y - size.height },
		{ box->x - size.width, box->y },
		{ box->x, box->y },
		{ right - size.width, box->y - size.height },
		{ right, box->y },
		{ box->x, below },
		{ right - size.width, box->y },
		{ right - size.width, below - size.height },
	};
	return (struct rect){ at[place].x, at[place].y, size.width, size.height };
}

/* How much of `other` it hides, in thousandths. */
static int64_t hidden(const struct rect *label, const struct rect *other)
{
	if (!rect_overlaps(*label, *other)) {
		return 0;
	}
	struct rect both = rect_common(*label, *other);
	return (int64_t)both.width * both.height * 1000 / ((int64_t)other->width * other->height);
}

static int64_t cost_of(const struct rect *label, const struct picture_mark *marks, size_t n,
	const struct rect *labels, size_t placed)
{
	int64_t cost = 0;
	for (size_t i = 0; i < n; i++) {
		cost += hidden(label, &marks[i].box);
	}
	for (size_t i = 0; i < placed; i++) {
		cost += 3 * hidden(label, &labels[i]);
	}
	return cost;
}

static bool is_within(struct rect r, struct size size)
{
	return rect_equal(rect_clip(r, size), r);
}

/* Those of the marks before i are placed. */
static struct rect place_label(const struct image *picture, const struct picture_mark *marks,
	size_t n, const struct rect *labels, size_t i, int zoom)
{
	struct size size = label_size(marks[i].number, zoom);
	struct rect best = label_at(2, &marks[i].box, size);
	int64_t least = INT64_MAX;
	for (int place = 0; place < PLACES; place++) {
		struct rect label = label_at(place, &marks[i].box, size);
		int64_t cost = is_within(label, picture->size)
				       ? cost_of(&label, marks, n, labels, i)
				       : INT64_MAX;
		if (cost < least) {
			least = cost;
			best = label;
		}
	}
	return best;
}

static void draw_label(
	const struct image *to, int number, struct rect label, int zoom, uint32_t colour)
{
	fill(to, label, WHITE);
	fill(to, inside(label, zoom), colour);
	struct point at = { label.x + MARGIN * zoom, label.y + MARGIN * zoom };
	for (int unit = number > 99 ? 100 : number > 9 ? 10 : 1; unit > 0; unit /= 10) {
		put_digit(to, number / unit % 10, at, zoom);
		at.x += (DIGIT_WIDTH + 1) * zoom;
	}
}

static uint32_t colour_of(int number)
{
	return colours[(size_t)number % (sizeof(colours) / sizeof(*colours))];
}

void picture_marks_draw(
	const struct image *picture, const struct picture_mark *marks, size_t n, int zoom)
{
	auto_free struct rect *labels = must(calloc(n ? n : 1, sizeof(*labels)));
	for (size_t i = 0; i < n; i++) {
		const struct rect *box = &marks[i].box;
		outline(picture, *box, zoom, colour_of(marks[i].number));
		if (box->width >= PLAIN_LEAST * zoom && box->height >= PLAIN_LEAST * zoom) {
			outline(picture, inside(*box, zoom), zoom, WHITE);
		}
	}
	for (size_t i = 0; i < n; i++) {
		labels[i] = place_label(picture, marks, n, labels, i, zoom);
		draw_label(picture, marks[i].number, labels[i], zoom, colour_of(marks[i].number));
	}
}

/*
 * The surroundings of a pixel are the nearest plain part above or below it: at least WIDE pixels of
 * one colour in a row, in at least THICK rows.  A letter has no such part, a button has one above
 * and below its text.  A thin line, such as an underline, is neither surroundings nor ink.
 */
#include "vm/picture/ink.h"

#include "base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDE 32
#define THICK 3
#define SAME_IN_ROW 3    /* of 255; rows of a gradient are plain */
#define SAME_IN_COLUMN 6 /* from one row of a gradient to the next */
#define NEARLY 6         /* rows: two plain parts that far away count as equally near */
#define FAINT 12         /* a smaller difference is none */
#define NONE UINT16_MAX

enum part { INK, THIN, PLAIN };

struct ink {
	const struct image *from;
	uint8_t *parts;  /* enum part, of each pixel */
	uint16_t *above; /* rows to the plain part above; NONE */
	uint8_t tones[256];
};

static const uint8_t *pixel(const struct ink *ink, int x, int y)
{
	return ink->from->pixels + (size_t)y * ink->from->stride + (size_t)x * 4;
}

static size_t at(const struct ink *ink, int x, int y)
{
	return (size_t)y * (size_t)ink->from->size.width + (size_t)x;
}

/* Of the channel that differs most. */
static int apart(const uint8_t *a, const uint8_t *b)
{
	int most = 0;
	for (int i = 0; i < 3; i++) {
		int d = abs(a[i] - b[i]);
		most = d > most ? d : most;
	}
	return most;
}

/* ---- plain parts ---- */

static void find_wide(struct ink *ink, int y)
{
	int start = 0, width = ink->from->size.width;
	for (int x = 1; x <= width; x++) {
		if (x < width && apart(pixel(ink, x, y), pixel(ink, x - 1, y)) <= SAME_IN_ROW) {
			continue;
		}
		if (x - start >= WIDE) {
			memset(ink->parts + at(ink, start, y), THIN, (size_t)(x - start));
		}
		start = x;
	}
}

/* rows: of each column, how many that are alike end above this row. */
static void find_thick(struct ink *ink, int y, uint16_t *rows)
{
	for (int x = 0; x < ink->from->size.width; x++) {
		bool wide = ink->parts[at(ink, x, y)] != INK;
		bool alike = wide && rows[x] > 0 &&
			     apart(pixel(ink, x, y), pixel(ink, x, y - 1)) <= SAME_IN_COLUMN;
		rows[x] = !wide ? 0 : alike ? (uint16_t)(rows[x] + (rows[x] < THICK)) : 1;
		for (int up = 0; up < THICK && rows[x] >= THICK; up++) {
			ink->parts[at(ink, x, y - up)] = PLAIN;
		}
	}
}

static void find_plain(struct ink *ink)
{
	struct size size = ink->from->size;
	auto_free uint16_t *rows = must(calloc((size_t)size.width, sizeof(*rows)));
	for (int y = 0; y < size.height; y++) {
		find_wide(ink, y);
		find_thick(ink, y, rows);
	}
}

/* ---- ink ---- */

static void measure_above(struct ink *ink)
{
	struct size size = ink->from->size;
	for (int y = 0; y < size.height; y++) {
		for (int x = 0; x < size.width; x++) {
			uint16_t last = y ? ink->above[at(ink, x, y - 1)] : NONE;
			ink->above[at(ink, x, y)] = ink->parts[at(ink, x, y)] == PLAIN ? 0
						    : last == NONE                     ? NONE
								   : (uint16_t)(last + 1);
		}
	}
}

static int contrast(const struct ink *ink, int x, int y, int above, int below)
{
	const uint8_t *here = pixel(ink, x, y);
	int up = above == NONE ? -1 : apart(here, pixel(ink, x, y - above));
	int down = below == NONE ? -1 : apart(here, pixel(ink, x, y + below));
	if (up < 0 || down < 0) {
		return up < 0 && down < 0 ? 0 : up < 0 ? down : up;
	}
	if (abs(above - below) <= NEARLY) {
		return up < down ? up : down;
	}
	return above < below ? up : down;
}

static void draw_row(const struct ink *ink, int y, uint16_t *below, uint8_t *ret)
{
	for (int x = 0; x < ink->from->size.width; x++) {
		int part = ink->parts[at(ink, x, y)];
		below[x] = part == PLAIN ? 0 : below[x] == NONE ? NONE : (uint16_t)(below[x] + 1);
		int d = part == INK ? contrast(ink, x, y, ink->above[at(ink, x, y)], below[x]) : 0;
		ret[at(ink, x, y)] = ink->tones[d];
	}
}

static void draw(struct ink *ink, uint8_t *ret)
{
	struct size size = ink->from->size;
	auto_free uint16_t *below = must(malloc((size_t)size.width * sizeof(*below)));
	memset(below, 0xff, (size_t)size.width * sizeof(*below));
	measure_above(ink);
	for (int y = size.height; y-- > 0;) {
		draw_row(ink, y, below, ret);
	}
}

/* Grey text becomes nearly as dark as black text. */
static void set_tones(struct ink *ink)
{
	for (int d = 0; d < 256; d++) {
		ink->tones[d] =
			d < FAINT ? 255 : (uint8_t)(255 - lround(255 * pow(d / 255.0, 0.7)));
	}
}

void ink_find(const struct image *from, uint8_t *ret)
{
	size_t n = (size_t)from->size.width * (size_t)from->size.height;
	auto_free uint8_t *parts = must(calloc(n, 1));
	auto_free uint16_t *above = must(malloc(n * sizeof(*above)));
	struct ink ink = { .from = from, .parts = parts, .above = above };
	set_tones(&ink);
	find_plain(&ink);
	draw(&ink, ret);
}

/* ---- size ---- */

/* A pixel of the doubled picture is 3/4 of the one that it is in, and 1/4 of its neighbour. */
static int beside(int i, int max)
{
	int other = i / 2 + (i % 2 ? 1 : -1);
	return other < 0 ? 0 : other > max ? max : other;
}

void ink_double(const uint8_t *from, struct size size, uint8_t *ret)
{
	for (int y = 0; y < 2 * size.height; y++) {
		const uint8_t *near = from + (size_t)(y / 2) * (size_t)size.width;
		const uint8_t *far = from + (size_t)beside(y, size.height - 1) * (size_t)size.width;
		for (int x = 0; x < 2 * size.width; x++) {
			int u = x / 2, v = beside(x, size.width - 1);
			int sum = 9 * near[u] + 3 * near[v] + 3 * far[u] + far[v];
			*ret++ = (uint8_t)((sum + 8) / 16);
		}
	}
}

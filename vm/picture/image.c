/*
 * Resizing, one direction after the other.  Each output pixel is a weighted sum of a few
 * neighbours.  Weights are computed once per row or column, as 8-bit fractions whose sum is exactly
 * one, so that a flat colour does not change and the sum of a channel fits 16 bits.  The four
 * channels of a pixel are spread over one 64-bit word, so one multiplication weighs them all.
 */
#include "vm/picture/image.h"

#include "base/cleanup.h"

#include <math.h>
#include <string.h>

struct image image_part(const struct image *image, struct rect area)
{
	return (struct image){ image->pixels + (size_t)area.y * image->stride + (size_t)area.x * 4,
		{ area.width, area.height }, image->stride };
}

#define ONE_BITS 8
#define ONE (1 << ONE_BITS)

/* Output pixel i is the sum of weights[i * taps + j] * input[first[i] + j]. */
struct filter {
	int taps;
	int *first;
	uint16_t *weights;
};

static void filter_done(struct filter *f)
{
	free(f->first);
	free(f->weights);
}

/* How much of the unit from x to x+1 is covered by the window from a to b. */
static double covered(double x, double a, double b)
{
	double from = x > a ? x : a, to = x + 1 < b ? x + 1 : b;
	return to > from ? to - from : 0;
}

static double weight(double x, double centre, double ratio)
{
	if (ratio > 1) {
		return covered(x, centre - ratio / 2, centre + ratio / 2);
	}
	double away = fabs(x + 0.5 - centre);
	return away < 1 ? 1 - away : 0;
}

/* Rounds the cumulative sums instead of each weight, so that the total is always one. */
static void set_weights(uint16_t *row, const double *exact, int taps)
{
	double sum = 0, so_far = 0;
	for (int j = 0; j < taps; j++) {
		sum += exact[j];
	}
	long given = 0;
	for (int j = 0; j < taps; j++) {
		so_far += exact[j];
		long upto = j + 1 == taps ? ONE : lround(so_far / sum * ONE);
		row[j] = (uint16_t)(upto - given);
		given = upto;
	}
}

static struct filter filter_make(int from, int to)
{
	double ratio = (double)from / to, reach = ratio > 1 ? ratio / 2 : 1;
	int taps = (int)ceil(2 * reach) + 1;
	taps = taps < from ? taps : from;
	struct filter f = { .taps = taps };
	f.first = must(calloc((size_t)to, sizeof(*f.first)));
	f.weights = must(calloc((size_t)to * (size_t)taps, sizeof(*f.weights)));
	auto_free double *exact = must(calloc((size_t)taps, sizeof(*exact)));
	for (int i = 0; i < to; i++) {
		double centre = (i + 0.5) * ratio;
		int first = (int)floor(centre - reach + (ratio > 1 ? 0 : 0.5));
		first = first < 0 ? 0 : first > from - taps ? from - taps : first;
		for (int j = 0; j < taps; j++) {
			exact[j] = weight(first + j, centre, ratio);
		}
		f.first[i] = first;
		set_weights(f.weights + (size_t)i * (size_t)taps, exact, taps);
	}
	return f;
}

#define CHANNELS 0x00ff00ff00ff00ffull

/* One output pixel from taps input pixels, step bytes apart. */
static inline void mix(
	uint8_t *out, const uint8_t *in, size_t step, const uint16_t *weights, int taps)
{
	uint64_t sum = (ONE / 2) * (CHANNELS / 0xff);
	for (int j = 0; j < taps; j++) {
		uint32_t pixel;
		memcpy(&pixel, in + (size_t)j * step, sizeof(pixel));
		sum += ((pixel | (uint64_t)pixel << 24) & CHANNELS) * weights[j];
	}
	sum = sum >> ONE_BITS & CHANNELS;
	uint32_t mixed = (uint32_t)(sum | sum >> 24);
	memcpy(out, &mixed, sizeof(mixed));
}

static void scale_rows(const struct image *from, const struct image *to)
{
	__attribute__((cleanup(filter_done))) struct filter f =
		filter_make(from->size.width, to->size.width);
	for (int y = 0; y < to->size.height; y++) {
		const uint8_t *in = from->pixels + (size_t)y * from->stride;
		uint8_t *out = to->pixels + (size_t)y * to->stride;
		for (int x = 0; x < to->size.width; x++) {
			mix(out + (size_t)x * 4, in + (size_t)f.first[x] * 4, 4,
				f.weights + (size_t)x * (size_t)f.taps, f.taps);
		}
	}
}

static void scale_columns(const struct image *from, const struct image *to)
{
	__attribute__((cleanup(filter_done))) struct filter f =
		filter_make(from->size.height, to->size.height);
	for (int y = 0; y < to->size.height; y++) {
		const uint8_t *in = from->pixels + (size_t)f.first[y] * from->stride;
		const uint16_t *weights = f.weights + (size_t)y * (size_t)f.taps;
		uint8_t *out = to->pixels + (size_t)y * to->stride;
		for (int x = 0; x < to->size.width; x++) {
			mix(out + (size_t)x * 4, in + (size_t)x * 4, from->stride, weights, f.taps);
		}
	}
}

void image_scale(const struct image *from, const struct image *to)
{
	struct image half = {
		.size = { to->size.width, from->size.height },
		.stride = (size_t)to->size.width * 4,
	};
	auto_free uint8_t *pixels = must(malloc(half.stride * (size_t)half.size.height));
	half.pixels = pixels;
	scale_rows(from, &half);
	scale_columns(&half, to);
}

/* Goertzel's algorithm. */
#include "tests/support/tone.h"

#include <math.h>
#include <stdlib.h>

static int sample_at(const struct buf *samples, size_t at)
{
	return (int16_t)(samples->data[at] | samples->data[at + 1] << 8);
}

double tone_part(
	const struct buf *samples, size_t from, unsigned channels, unsigned rate, double hz)
{
	double k = 2 * cos(2 * M_PI * hz / rate), one = 0, two = 0, energy = 0;
	size_t n = 0;
	for (size_t at = from; at + 2 <= samples->len; at += 2 * channels, n++) {
		double x = sample_at(samples, at);
		double now = x + k * one - two;
		two = one;
		one = now;
		energy += x * x;
	}
	double found = one * one + two * two - k * one * two;
	return energy > 0 ? found / (energy * (double)n / 2) : 0;
}

int tone_peak(const struct buf *samples, size_t from)
{
	int peak = 0;
	for (size_t at = from; at + 2 <= samples->len; at += 2) {
		int value = abs(sample_at(samples, at));
		peak = value > peak ? value : peak;
	}
	return peak;
}

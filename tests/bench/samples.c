/* Numbers in, percentiles out. */
#include "tests/bench/samples.h"

#include <stdlib.h>
#include <time.h>

void samples_add(struct samples *s, double value)
{
	if (s->n < SAMPLES_MAX) {
		s->value[s->n++] = value;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The nearest rank: a value that was really measured. */
double samples_percentile(struct samples *s, double percent)
{
	if (s->n == 0) {
		return 0;
	}
	qsort(s->value, s->n, sizeof(*s->value), by_value);
	size_t rank = (size_t)(percent / 100 * (double)s->n + 0.999999);
	return s->value[rank < 1 ? 0 : rank - 1];
}

uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

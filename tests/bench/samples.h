#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX 2000

/* Measured values of one thing, and how many of them came with the right result. */
struct samples {
	double value[SAMPLES_MAX];
	size_t n, checked, right;
};

void samples_add(struct samples *s, double value);
double samples_percentile(struct samples *s, double percent); /* sorts; 0 when there are none */

uint64_t now_us(void); /* CLOCK_MONOTONIC */

#endif

/* Measures the time stamp counter. */

#include "vm/microvm/tsc.h"

#include <time.h>

#define TRIES 16
#define APART_NS 5000000 /* below this, the duration of the readings matters */

#ifdef __x86_64__
#include <x86intrin.h>

static uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The clock is read between two readings of the counter; the attempt with the closest two
 * counts. */
struct tsc tsc_read(void)
{
	struct tsc best = { 0 };
	uint64_t width = UINT64_MAX;
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc(), ns = clock_ns(), after = __rdtsc();
		if (after - before < width) {
			width = after - before;
			best = (struct tsc){ before + width / 2, ns };
		}
	}
	return best;
}

uint64_t tsc_khz(const struct tsc *since)
{
	struct tsc now;
	do {
		now = tsc_read();
	} while (now.ns - since->ns < APART_NS);
	return (uint64_t)((unsigned __int128)(now.ticks - since->ticks) * 1000000 /
			  (now.ns - since->ns));
}
#else
struct tsc tsc_read(void)
{
	return (struct tsc){ 0 };
}

uint64_t tsc_khz(const struct tsc *since)
{
	(void)since;
	return 0;
}
#endif

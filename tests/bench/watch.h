#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include "tests/bench/bench.h"

enum { OURS, PEERS };

/* What the probe says; see probe.c. */
struct report_line {
	unsigned long long round, a, b, c;
};

/* Starts it in our desktop, and in the peers' when there is one. */
bool watch_start(struct bench *b, const char *mode, struct err *err) NODISCARD;
void watch_stop(struct bench *b);
/* Waits for a report behind the last one read on that side. */
bool watch_next(struct bench *b, int side, struct report_line *ret, struct err *err) NODISCARD;

#endif

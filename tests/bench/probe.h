#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

/* What the probe, in the desktop, and the bench, outside of it, agree on. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_X 200
#define PROBE_Y 100
#define PROBE_WIDTH 640
#define PROBE_HEIGHT 480

#define PROBE_COLOURS 4
static const unsigned probe_colours[PROBE_COLOURS] = { 0xe0e0e0, 0xc02020, 0x20a020, 0x2040c0 };

/* FNV-1a, over the bytes of the text. */
#define PROBE_HASH_START 14695981039346656037ull
static inline uint64_t probe_hash(uint64_t hash, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ (unsigned char)text[i]) * 1099511628211ull;
	}
	return hash;
}

#endif

/*
 * The loops over pixels: comparing and hashing. Vectors of four pixels, which every processor with
 * SSE2 or NEON has.
 */
#include "vm/picture/diff_impl.h"

#include <string.h>

typedef uint32_t pixels4 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

static inline pixels4 load(const uint8_t *at)
{
	pixels4 out;
	memcpy(&out, at, sizeof(out));
	return out;
}

/* Without the fourth bytes. */
static inline pixels4 colours(void)
{
	static const uint8_t bytes[16] = { 255, 255, 255, 0, 255, 255, 255, 0, 255, 255, 255, 0,
		255, 255, 255, 0 };
	return load(bytes);
}

static inline bool is_zero(pixels4 v)
{
	words2 w = (words2)v;
	return (w[0] | w[1]) == 0;
}

/* bits, where d has no colour. */
static inline pixels4 same(pixels4 d, pixels4 bits)
{
	return (pixels4)((d & colours()) == 0) & bits;
}

/* Without loops, which GCC would not unroll at -O2. */
static inline unsigned mask_of_cell(const uint8_t *a, const uint8_t *b)
{
	pixels4 d0 = load(a) ^ load(b), d1 = load(a + 16) ^ load(b + 16);
	pixels4 d2 = load(a + 32) ^ load(b + 32), d3 = load(a + 48) ^ load(b + 48);
	if (is_zero((d0 | d1 | d2 | d3) & colours())) {
		return 0;
	}
	words2 w = (words2)(same(d0, (pixels4){ 1, 2, 4, 8 }) |
			    same(d1, (pixels4){ 16, 32, 64, 128 }) |
			    same(d2, (pixels4){ 256, 512, 1024, 2048 }) |
			    same(d3, (pixels4){ 4096, 8192, 16384, 32768 }));
	uint64_t both = w[0] | w[1];
	return ~(unsigned)(both | both >> 32) & 0xffff;
}

static unsigned mask_of_part(const uint8_t *a, const uint8_t *b, int n)
{
	unsigned mask = 0;
	for (int i = 0; i < n; i++) {
		mask |= (unsigned)(memcmp(a + 4 * i, b + 4 * i, 3) != 0) << i;
	}
	return mask;
}

unsigned diff_mask(const uint8_t *a, const uint8_t *b, int n)
{
	return n == CELL ? mask_of_cell(a, b) : mask_of_part(a, b, n);
}

bool diff_mask_row(const uint8_t *a, const uint8_t *b, int n, uint16_t *ret)
{
	unsigned any = 0;
	for (; n >= CELL; n -= CELL, a += CELL * 4, b += CELL * 4) {
		unsigned mask = mask_of_cell(a, b);
		any |= mask;
		*ret++ = (uint16_t)mask;
	}
	if (n > 0) {
		*ret = (uint16_t)mask_of_part(a, b, n);
		any |= *ret;
	}
	return any != 0;
}

bool diff_is_plain(const uint8_t *a, int n)
{
	uint32_t first;
	memcpy(&first, a, sizeof(first));
	pixels4 any = { 0 }, all = { first, first, first, first };
	for (; n >= 4; n -= 4, a += 16) {
		any |= load(a) ^ all;
	}
	for (; n > 0; n--, a += 4) {
		pixels4 last = { 0 };
		memcpy(&last, a, 4);
		any[0] |= last[0] ^ first;
	}
	return is_zero(any & colours());
}

void diff_make_keys(uint64_t keys[DIFF_STRIP / 2])
{
	uint64_t state = 0x9e3779b97f4a7c15u;
	for (int i = 0; i < DIFF_STRIP / 2; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		keys[i] = (state ^ state >> 31) | 1;
	}
}

uint32_t diff_hash(const uint64_t keys[DIFF_STRIP / 2], const uint8_t *a, int n)
{
	uint64_t sum = 0, pair[2], colour = 0;
	memcpy(&colour, "\xff\xff\xff\0\xff\xff\xff", 8);
	for (; n >= 4; n -= 4, a += 16, keys += 2) {
		memcpy(pair, a, 16);
		sum += (pair[0] & colour) * keys[0] + (pair[1] & colour) * keys[1];
	}
	if (n > 0) {
		memset(pair, 0, sizeof(pair));
		memcpy(pair, a, (size_t)n * 4);
		sum += (pair[0] & colour) * keys[0] + (pair[1] & colour) * keys[1];
	}
	return (uint32_t)(sum >> 32);
}

/*
 * Runs a fuzzer without libFuzzer: every seed as it is, then ROUNDS times a seed with some of its
 *bytes changed, doubled, moved or cut.  Deterministic, so that a failure comes back; the round is
 *told before it crashes.  The fuzz preset (clang) builds the same fuzzers with coverage.
 *
 *	fuzz_NAME ROUNDS SEED...
 */
#include "base/buf.h"
#include "base/cleanup.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SEED_MAX (1u << 16)

static unsigned long round_now;
static uint64_t state = 0x2026110112345678u;

static unsigned below(size_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return n ? (unsigned)(state >> 33) % (unsigned)n : 0;
}

static void read_seed(const char *path, struct buf *out)
{
	FILE *in = fopen(path, "re");
	if (!in) {
		perror(path);
		exit(2);
	}
	buf_reserve(out, SEED_MAX);
	out->len = fread(out->data, 1, SEED_MAX, in);
	fclose(in);
}

static void mutate(struct buf *in)
{
	static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '{', '[', '\\', '\n', '-',
		'9' };
	size_t at = below(in->len), n = 1 + below(16);
	n = n > in->len - at ? in->len - at : n;
	switch (below(5)) {
	case 0:
		in->data[at] ^= (uint8_t)(1u << below(8));
		break;
	case 1:
		in->data[at] = telling[below(sizeof(telling))];
		break;
	case 2: /* doubled */
		buf_reserve(in, n);
		memmove(in->data + at + n, in->data + at, in->len - at);
		in->len += n;
		break;
	case 3: /* cut out */
		memmove(in->data + at, in->data + at + n, in->len - at - n);
		in->len -= n;
		break;
	case 4: /* moved over something else */
		memmove(in->data + below(in->len - n + 1), in->data + at, n);
		break;
	}
}

/* In a block of its own, so that a sanitizer sees a read past its end. */
static void try(const struct buf *in)
{
	auto_free uint8_t *copy = must(malloc(in->len ? in->len : 1));
	if (in->len > 0) {
		memcpy(copy, in->data, in->len);
	}
	LLVMFuzzerTestOneInput(copy, in->len);
}

static void tell_round(int sig)
{
	fprintf(stderr, "round %lu\n", round_now);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void play(const char *path, unsigned rounds)
{
	auto_buf struct buf seed = { 0 };
	read_seed(path, &seed);
	try(&seed);
	for (unsigned i = 0; i < rounds; i++, round_now++) {
		auto_buf struct buf changed = { 0 };
		buf_append(&changed, seed.data, seed.len);
		for (unsigned n = 1 + below(6); n > 0 && changed.len > 0; n--) {
			mutate(&changed);
		}
		try(&changed);
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	signal(SIGABRT, tell_round);
	for (int i = 2; i < argc; i++) {
		play(argv[i], rounds / (unsigned)(argc - 2) + 1);
	}
	return argc > 2 ? 0 : 2;
}

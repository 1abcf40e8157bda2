#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

/* What every bench program takes on its command line. */
struct bench_options {
	const char *build, *source; /* folders */
	const char *json;           /* a file to write to; NULL: none */
	const char *state;          /* where an image is; NULL: none */
	const char *row;            /* the only row to measure; NULL: all */
	bool quick;
};

/* False when they are wrong, which has been said on stderr. */
bool bench_options_parse(int argc, char **argv, const char *program, struct bench_options *ret);

#endif

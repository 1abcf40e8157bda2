#include "tests/bench/options.h"

#include <getopt.h>
#include <stdio.h>

/* The command line of the bench programs, which is the same for all of them. */

static bool parse(int argc, char **argv, struct bench_options *ret)
{
	static const struct option known[] = {
		{ "build", required_argument, NULL, 'b' },
		{ "source", required_argument, NULL, 's' },
		{ "json", required_argument, NULL, 'j' },
		{ "state", required_argument, NULL, 'd' },
		{ "row", required_argument, NULL, 'r' },
		{ "quick", no_argument, NULL, 'q' },
		{ 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (c == '?') {
			return false;
		}
		ret->build = c == 'b' ? optarg : ret->build;
		ret->source = c == 's' ? optarg : ret->source;
		ret->json = c == 'j' ? optarg : ret->json;
		ret->state = c == 'd' ? optarg : ret->state;
		ret->row = c == 'r' ? optarg : ret->row;
		ret->quick = ret->quick || c == 'q';
	}
	return ret->build && ret->source && optind == argc;
}

bool bench_options_parse(int argc, char **argv, const char *program, struct bench_options *ret)
{
	*ret = (struct bench_options){ 0 };
	if (parse(argc, argv, ret)) {
		return true;
	}
	fprintf(stderr,
		"usage: %s --build DIR --source DIR [--quick] [--row NAME] [--json FILE] "
		"[--state DIR]\n",
		program);
	return false;
}

/* vitrine-conformance serve [options]: the server as people run it, with the fixtures of the official
 * conformance suite. */
#include "server/cmd/serve.h"
#include "tests/conformance/conformance.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "serve") != 0) {
		fprintf(stderr, "usage: vitrine-conformance serve [options of vitrine serve]\n");
		return 2;
	}
	return serve_run(argc - 1, argv + 1, &conformance_addition);
}

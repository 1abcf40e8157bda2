#include "server/cmd/command.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "vitrine version: unexpected argument '%s'\n", argv[1]);
		return 2;
	}
	printf("vitrine %s\n", VITRINE_VERSION);
	return 0;
}

const struct command command_version = {
	.name = "version",
	.summary = "print the version",
	.usage = "",
	.help = "Prints the version of this program.",
	.run = run,
};

#include "server/cmd/command.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* vitrine NAME [arguments]: runs the subcommand. */

/* Opens the standard descriptors that are closed, so that no other file gets their numbers. */
static bool open_standard_fds(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
	return fd >= 0 && close(fd) == 0;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	if (!open_standard_fds()) {
		return 1; /* there is no stderr to report it */
	}
	const struct command *help = command_find("help");
	if (argc < 2) {
		return help->run(0, NULL);
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		name = "help";
	} else if (strcmp(name, "--version") == 0) {
		name = "version";
	}
	const struct command *command = command_find(name);
	if (!command || asks_for_help(argc - 1, argv + 1)) {
		return help->run(2, (char *[]){ argv[0], (char *)name, NULL });
	}
	return command->run(argc - 1, argv + 1);
}

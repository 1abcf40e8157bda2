#include "server/client/client.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* vitrine-remote: the subcommands of vitrine that talk to a server.  They are a program of their
 * own, so that the server does not load libcurl. */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "exec", client_exec },
	{ "shell", client_shell },
	{ "cp", client_cp },
	{ "ls", client_ls },
};

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "vitrine-remote is run by `vitrine exec`, shell, cp and ls\n");
	return 2;
}

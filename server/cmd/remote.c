#include "server/cmd/command.h"

#include "base/cleanup.h"
#include "vm/confine/host.h"

#include <stdio.h>
#include <unistd.h>

/* vitrine exec, shell, cp, ls: run by vitrine-remote, so that the server does not load libcurl. */

static int run(int argc, char **argv)
{
	auto_free char **all = must(calloc((size_t)argc + 2, sizeof(*all)));
	struct err err;
	auto_close int fd = host_open_remote(&err);
	if (fd < 0) {
		fprintf(stderr, "vitrine %s: %s\n", argv[0], err.text);
		return 1;
	}
	all[0] = (char *)"vitrine-remote";
	for (int i = 0; i < argc; i++) {
		all[i + 1] = argv[i];
	}
	fexecve(fd, all, environ);
	perror("vitrine-remote");
	return 1;
}

#define WHERE \
	"\nSANDBOX is an id, or the beginning of one; `vitrine ls` lists them.  The server is found\n" \
	"on this machine, by a socket in its state directory that only its user can open (another\n" \
	"directory: --state-dir DIR), or by --url URL or VITRINE_URL, with a token in " \
	"VITRINE_TOKEN."

const struct command command_exec = {
	.name = "exec",
	.summary = "run a command in a sandbox",
	.usage = "[--cwd DIR] [--env NAME=VALUE] [--url URL] [--state-dir DIR] SANDBOX -- COMMAND",
	.help = "Runs a command in a sandbox with this stdin, stdout and stderr, and exits with its\n"
		"status, or with 125 if it could not be run.  Ctrl-C kills the command.\n" WHERE,
	.run = run,
};

const struct command command_shell = {
	.name = "shell",
	.summary = "open a shell in a sandbox",
	.usage = "[--url URL] [--state-dir DIR] SANDBOX",
	.help = "Opens an interactive shell in a sandbox, in this terminal.\n" WHERE,
	.run = run,
};

const struct command command_cp = {
	.name = "cp",
	.summary = "copy a file into or out of a sandbox",
	.usage = "[--url URL] [--state-dir DIR] SANDBOX:PATH FILE | FILE SANDBOX:PATH",
	.help = "Copies a file.  A path in the sandbox starts at its home directory unless it begins "
		"with\n'/'.  '-' is stdin or stdout.\n" WHERE,
	.run = run,
};

const struct command command_ls = {
	.name = "ls",
	.summary = "list sandboxes, or files in one",
	.usage = "[--url URL] [--state-dir DIR] [SANDBOX:PATH]",
	.help = "Lists the sandboxes with their states, backends and owners, or the files in a "
		"directory.\n" WHERE,
	.run = run,
};

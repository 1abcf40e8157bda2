#include "server/cmd/command.h"
#include "server/config/config.h"

#include <stdio.h>

/* Prints help: on stdout if requested, on stderr for a wrong command line. */

static void overview(FILE *to)
{
	fputs("vitrine gives AI agents isolated Linux desktops, over MCP.\n"
	      "\nusage: vitrine COMMAND [arguments]\n"
	      "\n",
		to);
	const struct command *command;
	for (unsigned i = 0; (command = command_at(i)); i++) {
		fprintf(to, "  %-8s  %s\n", command->name, command->summary);
	}
	fputs("\nStart with `vitrine doctor` (checks this machine) and `vitrine demo` (runs an "
	      "example).\n"
	      "`vitrine help COMMAND` describes a command and its options.\n",
		to);
}

static void one_command(const struct command *command)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "usage: vitrine %s%s%s\n\n%s\n", command->name,
		command->usage[0] ? " " : "", command->usage, command->help);
	if (command->takes_config) {
		buf_printf(&text, "\n");
		config_describe(&text, command->options);
	}
	fputs(buf_text(&text), stdout);
}

/* argc is 0 if no command was given: see main(). */
static int run(int argc, char **argv)
{
	if (argc < 2) {
		overview(argc == 0 ? stderr : stdout);
		return argc == 0 ? 2 : 0;
	}
	const struct command *command = command_find(argv[1]);
	if (argc > 2) {
		fprintf(stderr, "vitrine help: unexpected argument '%.100s'\n", argv[2]);
		return 2;
	}
	if (command) {
		one_command(command);
		return 0;
	}
	const char *near = command_nearest(argv[1]);
	fprintf(stderr, "vitrine: unknown command '%s'%s%s%s `vitrine help` lists all commands.\n",
		argv[1], near ? "; did you mean '" : ".", near ? near : "", near ? "'?" : "");
	return 2;
}

const struct command command_help = {
	.name = "help",
	.summary = "describe a command and its options",
	.usage = "[COMMAND]",
	.help = "Describes a command and its options. Without a command, lists all commands.",
	.run = run,
};

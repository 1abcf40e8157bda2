#ifndef SERVER_CMD_COMMAND_H
#define SERVER_CMD_COMMAND_H

#include <stdbool.h>

/* A subcommand.  Each has one file, server/cmd/NAME.c, which defines command_NAME, and one row in
 * command.c. */
struct command {
	const char *name;
	const char *summary; /* one line for `vitrine help` */
	const char *usage;   /* "[options]" */
	const char *help;    /* a paragraph for `vitrine help NAME` */
	/* accepts options of server/config/config.c, which `vitrine help NAME` then describes */
	bool takes_config;
	const char *const *options; /* the options: as for config_load_some() */
	/* argv[0] is the command's name.  Returns the exit status: 0 success, 1 failure, 2 wrong
	 * usage. */
	int (*run)(int argc, char **argv);
};

const struct command *command_find(const char *name);
const struct command *command_at(unsigned i);        /* NULL after the last */
const char *command_nearest(const char *wrong_name); /* NULL if none is similar */

#endif

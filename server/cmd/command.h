#ifndef SERVER_CMD_COMMAND_H
#define SERVER_CMD_COMMAND_H

#include <stdbool.h>

/* A subcommand is one file, cmd_NAME.c, with one of these called command_NAME, and one row in
 * command.c. */
struct command {
	const char *name;
	const char *summary; /* one line for `vitrine help` */
	const char *usage;   /* "[options]" */
	const char *help;    /* a paragraph for `vitrine help NAME` */
	bool takes_config; /* accepts options of server/config/config.c; `vitrine help NAME` then tells of them */
	const char *const *options; /* which: as for config_load_some() */
	/* argv[0] is the command's name.  Returns the exit status: 0 well, 1 failed, 2 wrong usage.
	 */
	int (*run)(int argc, char **argv);
};

const struct command *command_find(const char *name);
const struct command *command_at(unsigned i);        /* NULL past the end */
const char *command_nearest(const char *wrong_name); /* NULL when none is near */

#endif

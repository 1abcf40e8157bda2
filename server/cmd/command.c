#include "server/cmd/command.h"

#include "base/nearest.h"

#include <string.h>

/* The subcommands, in the order of `vitrine help`. */

extern const struct command command_serve, command_demo, command_doctor, command_image, command_key,
	command_exec, command_shell, command_cp, command_ls, command_help, command_version;

static const struct command *const commands[] = {
	&command_serve,
	&command_demo,
	&command_doctor,
	&command_image,
	&command_key,
	&command_exec,
	&command_shell,
	&command_cp,
	&command_ls,
	&command_help,
	&command_version,
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

const struct command *command_at(unsigned i)
{
	return i < N_COMMANDS ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (unsigned i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0) {
			return commands[i];
		}
	}
	return NULL;
}

const char *command_nearest(const char *wrong_name)
{
	const char *names[N_COMMANDS + 1] = { 0 };
	for (unsigned i = 0; i < N_COMMANDS; i++) {
		names[i] = commands[i]->name;
	}
	return nearest_name(wrong_name, names);
}

#ifndef SERVER_CMD_IMAGE_IMPL_H
#define SERVER_CMD_IMAGE_IMPL_H

/* Shared by image.c, which reads the command line, and its subcommands. */

#include "base/err.h"

#include <jansson.h>

struct image_args {
	const char *what; /* RECIPE, or ID|NAME */
	const char *name, *from_tar, *state_dir;
	bool json, force;
	json_t *warm; /* an array */
	char *state, *images;
};

/* Prints the error; returns the exit status. */
int image_cmd_fail(const struct err *err);

/* The subcommands; they return the exit status. */
int image_cmd_build(struct image_args *args);
int image_cmd_list(struct image_args *args);
int image_cmd_show(struct image_args *args);
int image_cmd_rm(struct image_args *args);

#endif

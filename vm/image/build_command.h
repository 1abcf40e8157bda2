#ifndef VM_IMAGE_BUILD_COMMAND_H
#define VM_IMAGE_BUILD_COMMAND_H

#include "base/buf.h"
#include "vm/image/recipe.h"

/* The isolated program of a build: its arguments and its environment. */

/* The arguments, a list of texts.  The finisher alone, for an archive. */
json_t *build_command_finisher(void);
/* mmdebstrap with the recipe's packages and this machine's sources; it runs the finisher last. */
json_t *build_command_mmdebstrap(const struct recipe *recipe, struct err *err);
/* Appends lines "K=V".  Minimal, so that the same recipe makes the same image. */
void build_command_environment(struct buf *out);

#endif

#ifndef TESTS_SUPPORT_STATE_DIR_H
#define TESTS_SUPPORT_STATE_DIR_H

/* The state directory "state" in the scratch directory. */

#include "vm/state/state.h"

struct state *state_dir_open(void);
/* How many entries the directory at path has, the hidden ones included. */
size_t state_dir_count(const char *path);
/* Until the background has done its work; each turn gives it a second. */
void state_dir_wait_for_empty_trash(void);
/* Makes an entry and unlocks it. */
void state_dir_make(struct state *state, enum state_kind kind, const char *name);

#endif

#ifndef VM_STATE_KEY_H
#define VM_STATE_KEY_H

#include "base/digest.h"
#include "base/err.h"

/* The secret of a state directory, for HMACs of what its server hands out: access tokens, signed URLs.
 * It is made at its first use; whoever deletes its file revokes all of them. */
struct state;
bool state_key(const struct state *state, struct digest *ret_key, struct err *err) NODISCARD;

#endif

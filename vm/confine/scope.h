#ifndef VM_CONFINE_SCOPE_H
#define VM_CONFINE_SCOPE_H

#include "base/err.h"

/*
 * A place in systemd's tree of control groups: a transient scope that systemd delegates, so that
 * this process may make groups below it.  Asked of the system's manager as root, else of the
 * user's.
 */

/*
 * Moves this process into a scope of its own and waits until it is there, for 5 s.  On failure
 * it is where it was: ERR_UNSUPPORTED where there is no systemd to ask or it refuses, ERR_TIMEOUT
 * where it does not answer.
 */
bool scope_enter(struct err *err) NODISCARD;

#endif

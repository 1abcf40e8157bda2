#ifndef VM_CONFINE_SCOPE_H
#define VM_CONFINE_SCOPE_H

#include "base/err.h"

/*
 * A delegated part of systemd's cgroup tree: a transient scope in which this process may create
 * groups.  Requested from the system's manager as root, otherwise from the user's.
 */

/*
 * Moves this process into a new scope and waits for it, at most 5 s.  On failure nothing has
 * changed: ERR_UNSUPPORTED if systemd is not available or refuses, ERR_TIMEOUT if it does not
 * respond.
 */
bool scope_enter(struct err *err) NODISCARD;

#endif

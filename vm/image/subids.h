#ifndef VM_IMAGE_SUBIDS_H
#define VM_IMAGE_SUBIDS_H

#include "base/err.h"

#include <sys/types.h>

/* The ids of an isolation (isolation.h): they own nothing on this machine. */

/* Whether this user has enough of them; otherwise what to do. */
bool subids_check(struct err *err) NODISCARD;
/* Maps them into the new user namespace of a process. */
bool subids_map(pid_t pid, struct err *err) NODISCARD;

#endif

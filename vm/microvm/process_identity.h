#ifndef VM_MICROVM_PROCESS_IDENTITY_H
#define VM_MICROVM_PROCESS_IDENTITY_H

#include "base/err.h"

#include <sys/types.h>

/*
 * A process that may outlive the server that started it, written down so that a later server knows
 * it again: process.json in the sandbox's directory.  A number alone says little, for the kernel
 * gives it out again; so its start time, the boot and the PID namespace stand beside it.
 */

/* Replaces what was noted before. */
bool process_note(const char *dir, pid_t pid, struct err *err) NODISCARD;
/* A pidfd of the noted process; -1 when there is none (any more), or *ret_pid's number belongs to
 * another by now.  ret_pid may be NULL. */
int process_find(const char *dir, pid_t *ret_pid);
/* Kills the noted process, if it still lives; true when there was one. */
bool process_kill(const char *dir);
/* The same for all that were started with the arguments "-name <name>": for those whose server was
 * killed before it could note them. */
bool process_kill_named(const char *name);

#endif

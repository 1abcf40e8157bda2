#ifndef VM_MICROVM_PROCESS_IDENTITY_H
#define VM_MICROVM_PROCESS_IDENTITY_H

#include "base/err.h"

#include <sys/types.h>

/*
 * Stores the identity of a process that may outlive its server in process.json in the sandbox's
 * directory, so that a later server can identify it.  The kernel reuses process ids, so the file
 * also contains start time, boot and PID namespace.
 */

/* Replaces an earlier one. */
bool process_note(const char *dir, pid_t pid, struct err *err) NODISCARD;
/* A pidfd of the stored process; -1 if it has exited, or if *ret_pid now belongs to another
 * process.  ret_pid may be NULL. */
int process_find(const char *dir, pid_t *ret_pid);
/* Kills the stored process, if it is alive; true if it was. */
bool process_kill(const char *dir);
/* The same for all processes started with the arguments "-name <name>", for those whose server was
 * killed before it could store them. */
bool process_kill_named(const char *name);

#endif

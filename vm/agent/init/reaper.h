#ifndef VM_AGENT_INIT_REAPER_H
#define VM_AGENT_INIT_REAPER_H

#include <sys/types.h>

/*
 * The agent is the first process of its PID namespace, which signals from inside cannot kill or
 * stop.  It therefore has two duties: it reaps orphans, and it continues services that a program
 * has stopped.
 */

/*
 * Runs serve(data) in a separate thread and reaps in this one; exits with the status returned by
 * serve().  Must be called before any other thread exists.
 */
_Noreturn void reaper_run(int (*serve)(const void *data), const void *data);

#define REAPER_KEPT 8

/* Continues the process in this slot (0 to REAPER_KEPT - 1) whenever it is stopped; pid 0: none.  A
 * child of serve()'s thread. */
void reaper_keep_running(int slot, pid_t pid);

#endif

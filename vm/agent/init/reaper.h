#ifndef VM_AGENT_INIT_REAPER_H
#define VM_AGENT_INIT_REAPER_H

#include <sys/types.h>

/*
 * The agent is the first process of its PID namespace, which signals from inside cannot kill or
 * stop.  Two duties come with that: orphans become its children and have to be reaped, and parts of
 * the desktop that a program stopped have to be continued.
 */

/*
 * Runs serve(data) in a thread of its own and reaps in this one; ends the process with the status
 * that serve() returns.  Call it before any other thread exists.
 */
_Noreturn void reaper_run(int (*serve)(const void *data), const void *data);

#define REAPER_KEPT 8

/* The process in this place (0 to REAPER_KEPT - 1) is continued whenever it is stopped; pid 0: none
 * is.  A child of serve()'s thread. */
void reaper_keep_running(int place, pid_t pid);

#endif

#ifndef VM_AGENT_PROCESS_PROC_SCAN_H
#define VM_AGENT_PROCESS_PROC_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Finds the descendants of a process.  A process belongs to `root` if it is below it in the tree of
 * parents, in the session it leads, or if its environment contains an entry that begins with mark
 * ("K=V."): neither a double fork, setsid nor the exit of a parent hides it.
 */

bool proc_scan_belongs(pid_t pid, pid_t root, const char *mark);

bool proc_scan_is_marked(pid_t pid, const char *mark);
/* whether any process that belongs to it is alive */
bool proc_scan_any(pid_t root, const char *mark);

/* Sends SIGKILL to root (0: none) and everything that belongs to it, repeatedly until none is
 * left. */
void proc_scan_kill_all(pid_t root, const char *mark);

/* The CPU time of all visible processes and of those that they have waited for, and the memory that
 * each has for itself. */
void proc_scan_usage(int64_t *ret_cpu_ms, int64_t *ret_memory);

int proc_scan_count(void); /* number of processes visible in /proc */

#endif

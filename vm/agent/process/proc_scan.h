#ifndef VM_AGENT_PROCESS_PROC_SCAN_H
#define VM_AGENT_PROCESS_PROC_SCAN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whose child is it?  A process belongs to what was started as `root` when it is below it in the
 * tree of parents, in the session it leads, or when its environment was inherited with something in
 * it that begins with mark ("K=V."): no double fork, no setsid and no death of a parent hides it.
 */

bool proc_scan_belongs(pid_t pid, pid_t root, const char *mark);

bool proc_scan_is_marked(pid_t pid, const char *mark);
bool proc_scan_any(pid_t root, const char *mark); /* whether anything that belongs to it is alive */

/* SIGKILL to root (0: there is none) and to all that belongs to it, again and again until none is
 * left. */
void proc_scan_kill_all(pid_t root, const char *mark);

int proc_scan_count(void); /* on this system, as far as /proc shows them */

#endif

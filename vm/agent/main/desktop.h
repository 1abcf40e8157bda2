#ifndef VM_AGENT_MAIN_DESKTOP_H
#define VM_AGENT_MAIN_DESKTOP_H

/*
 * The desktop's side of the agent: its session, the display while the X server runs, and their
 * events for the host (vm/wire/messages.h: stage, ready, resting, restarted, failed).
 */

struct agent_main;

/* Starts nothing. */
void desktop_init(struct agent_main *agent);
/* How large programs draw from now on, in percent; tells the host. */
void desktop_set_scale(struct agent_main *agent, int percent);
void desktop_done(struct agent_main *agent);

#endif

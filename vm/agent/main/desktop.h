#ifndef VM_AGENT_MAIN_DESKTOP_H
#define VM_AGENT_MAIN_DESKTOP_H

/*
 * The desktop's side of the agent: its session, the display while the X server is up, and what the
 * host is told of both (vm/wire/messages.h: stage, ready, resting, restarted, failed).
 */

struct agent_main;

/* Starts nothing yet. */
void desktop_init(struct agent_main *agent);
void desktop_done(struct agent_main *agent);

#endif

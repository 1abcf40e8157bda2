#ifndef VM_AGENT_MAIN_HOST_H
#define VM_AGENT_MAIN_HOST_H

#include "vm/wire/messages.h"

/* Events for the host (vm/wire/messages.h). */

struct agent_main;

/* Sends an event, unless this host has not got `hello`.  said: the struct of event->request.fields. */
void host_notify(struct agent_main *agent, const struct message *event, const void *said);
/* Sends `hello`, the first event for every host. */
void host_greet(struct agent_main *agent);
/* Sends that the desktop cannot become ready (again), and ends the loop. */
void host_give_up(struct agent_main *agent, const char *text);

#endif

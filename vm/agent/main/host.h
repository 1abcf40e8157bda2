#ifndef VM_AGENT_MAIN_HOST_H
#define VM_AGENT_MAIN_HOST_H

#include "vm/wire/messages.h"

/* Events for the host (vm/wire/messages.h). */

struct agent_main;

/* Sends an event after this host was sent hello.  said: the struct of event->request.fields. */
void host_tell(struct agent_main *agent, const struct message *event, const void *said);
/* hello: what every host hears first. */
void host_greet(struct agent_main *agent);
/* Tells the host that the desktop will never be ready (or never again), and ends the loop. */
void host_give_up(struct agent_main *agent, const char *text);

#endif

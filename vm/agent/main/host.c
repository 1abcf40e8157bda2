#include "vm/agent/main/host.h"

#include "base/log.h"
#include "vm/agent/main/agent.h"

#include <stdlib.h>

static void send_event(struct agent_main *agent, const struct message *event, const void *said)
{
	link_event(agent->shared.link, event->name, message_encode(&event->request, said));
}

void host_notify(struct agent_main *agent, const struct message *event, const void *said)
{
	if (agent->greeted) {
		send_event(agent, event, said);
	}
}

void host_greet(struct agent_main *agent)
{
	agent->greeted = true;
	send_event(agent, &message_hello, &(struct msg_hello){ PROTOCOL_VERSION, VITRINE_VERSION });
}

void host_give_up(struct agent_main *agent, const char *text)
{
	log_error("%s", text);
	send_event(agent, &message_unable, &(struct msg_unable){ text });
	sd_event_exit(agent->shared.event, EXIT_FAILURE);
}

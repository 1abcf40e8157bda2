#include "vm/agent/main/host.h"

#include "base/log.h"
#include "vm/agent/main/agent.h"
#include "vm/wire/messages.h"

#include <stdlib.h>

void host_tell(struct agent_main *agent, const char *event, json_t *fields)
{
	if (agent->greeted) {
		link_event(agent->shared.link, event, fields);
	} else {
		json_decref(fields);
	}
}

void host_greet(struct agent_main *agent)
{
	agent->greeted = true;
	host_tell(agent, "hello",
		json_pack("{s:i, s:s}", "protocol", PROTOCOL_VERSION, "version", VITRINE_VERSION));
}

void host_give_up(struct agent_main *agent, const char *text)
{
	log_error("%s", text);
	link_event(agent->shared.link, "failed", json_pack("{s:s}", "text", text));
	sd_event_exit(agent->shared.event, EXIT_FAILURE);
}

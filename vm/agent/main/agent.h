#ifndef VM_AGENT_MAIN_AGENT_H
#define VM_AGENT_MAIN_AGENT_H

#include "vm/agent/core/agent.h"
#include "vm/agent/core/options.h"

/* The complete agent: its parts, and the connection to the host. */

struct session;      /* vm/agent/session/session.h */
struct screen_watch; /* vm/agent/main/screen_watch.h */
struct restored;     /* vm/agent/main/restored.c: the operation in progress */

struct agent_main {
	struct agent shared; /* the first member: see agent_main() */

	struct session *session;
	struct screen_watch *watch;
	int64_t grace_ms;
	sd_event_source *ending; /* the host has disconnected: the grace period */

	int port_fd;                /* of the link, if it can be opened again; otherwise -1 */
	sd_event_source *reopening; /* waits for the host to open the port */
	int init_fd;                /* to the VM's first process; -1: none */
	bool started;               /* the session was started */
	bool greeted;               /* this host got `hello` */
	struct restored *restored;
};

/* Converts the operations' struct to the complete one. */
static inline struct agent_main *agent_main(struct agent *shared)
{
	return (struct agent_main *)shared;
}

/* Creates an agent that has not started anything; takes the link's descriptor. */
struct agent_main *agent_new(const struct options *options, struct err *err) NODISCARD;
/* Starts the session and serves the link until the host disconnects or SIGTERM.  Returns the exit
 * status. */
int agent_run(struct agent_main *agent);
/* Drops the state of the previous host; the link has already dropped its own. */
void agent_forget_host(struct agent_main *agent);
/* Ends everything that was started.  NULL-safe. */
void agent_free(struct agent_main *agent);

#endif

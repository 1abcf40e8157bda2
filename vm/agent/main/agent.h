#ifndef VM_AGENT_MAIN_AGENT_H
#define VM_AGENT_MAIN_AGENT_H

#include "vm/agent/core/agent.h"
#include "vm/agent/core/options.h"

/* The whole agent: puts the parts together and speaks with the host. */

struct clipboard;    /* vm/agent/desktop/clipboard.h */
struct session;      /* vm/agent/session/session.h */
struct screen_watch; /* vm/agent/main/screen_watch.h */
struct restored;     /* vm/agent/main/restored.c: one that is under way */

struct agent_main {
	struct agent shared; /* the first member: see agent_main() */

	struct session *session;
	struct clipboard *clipboard; /* of the display */
	struct screen_watch *watch;
	int64_t grace_ms;
	sd_event_source *ending; /* the host is gone: the grace time */

	int port_fd;                /* of the link, when that may open again; else -1 */
	sd_event_source *reopening; /* the port's host end is closed */
	int init_fd;                /* to the first process of the machine; -1: none */
	bool started;               /* the session was */
	bool greeted;               /* this host was told hello */
	struct restored *restored;
};

/* The whole, from what an operation has. */
static inline struct agent_main *agent_main(struct agent *shared)
{
	return (struct agent_main *)shared;
}

/* Parts become one agent that has not started anything yet; takes the link's descriptor. */
struct agent_main *agent_new(const struct options *options, struct err *err) NODISCARD;
/* Starts the session and serves the link until the host goes away or SIGTERM.  Returns the exit
 * status. */
int agent_run(struct agent_main *agent);
/* Ends everything that was started.  NULL-safe. */
void agent_free(struct agent_main *agent);

#endif

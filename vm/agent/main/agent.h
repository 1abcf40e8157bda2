#ifndef VM_AGENT_MAIN_AGENT_H
#define VM_AGENT_MAIN_AGENT_H

#include "vm/agent/core/options.h"
#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

#include <systemd/sd-event.h>

/* What the parts of the agent share.  One sd_event loop, one thread, one X connection. */

struct display;   /* vm/agent/x11/display.h */
struct clipboard; /* vm/agent/desktop/clipboard.h */
struct session;   /* vm/agent/session/session.h */
struct act_queue; /* vm/agent/act/act.h: lists with input run one at a time */
struct launch;    /* vm/agent/process/launch.c: launches that wait for their window */
struct watch;     /* vm/agent/main/screen_watch.h */
struct renewal;   /* vm/agent/main/restored.c: one that is under way */
struct request;   /* vm/agent/core/op.h */

struct agent {
	sd_event *event;
	struct link *link;
	struct session *session;
	struct display *display;     /* NULL while the X server is away */
	struct clipboard *clipboard; /* of the display */
	struct act_queue *acts;
	struct size screen, frame;

	struct request *requests; /* unanswered, newest first */
	struct launch *launches;  /* waiting for a window, newest first */
	struct watch *watch;
	uint64_t started_us; /* loop_now_us() at the start */
	int64_t grace_ms;
	sd_event_source *ending; /* the host is gone: the grace time */

	int port_fd;                /* of the link, when that may open again; else -1 */
	sd_event_source *reopening; /* the port's host end is closed */
	int init_fd;                /* to the first process of the machine; -1: none */
	bool started;               /* the session was */
	bool greeted;               /* this host was told hello */
	struct renewal *renewal;
};

/* Parts become one agent that has not started anything yet; takes the link's descriptor. */
struct agent *agent_new(const struct options *options, struct err *err) NODISCARD;
/* Starts the session and serves the link until the host goes away or SIGTERM.  Returns the exit
 * status. */
int agent_run(struct agent *agent);
/* Ends everything that was started.  NULL-safe. */
void agent_free(struct agent *agent);

/* For vm/agent/session/session.c: the X server is up under this name, or has gone away. */
bool agent_attach_display(struct agent *agent, const char *name, struct err *err) NODISCARD;
void agent_detach_display(struct agent *agent);
/* Sends an event, once this host was told hello; takes fields. */
void agent_tell(struct agent *agent, const char *event, json_t *fields);
/* hello: what every host hears first. */
void agent_greet(struct agent *agent);
/* Tells the host that the desktop will never be ready (or never again), and ends the loop. */
void agent_give_up(struct agent *agent, const char *text);

#endif

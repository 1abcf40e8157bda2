#ifndef VM_AGENT_AGENT_H
#define VM_AGENT_AGENT_H

#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

#include <systemd/sd-event.h>

/* What the parts of the agent share.  One sd_event loop, one thread, one X connection. */

struct display; /* vm/agent/display.h */
struct session; /* vm/agent/session.h */
struct act_queue; /* vm/agent/act.h: lists with input run one at a time */

struct agent {
	sd_event *event;
	struct link *link;
	struct session *session;
	struct display *display; /* NULL while the X server is away */
	struct act_queue *acts;
	struct size screen, frame;
};

#endif

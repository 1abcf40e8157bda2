#ifndef VM_AGENT_SESSION_SESSION_IMPL_H
#define VM_AGENT_SESSION_SESSION_IMPL_H

/* What the session*.c files share. */

#include "vm/agent/session/service_process.h"
#include "vm/agent/session/session.h"

struct session {
	const struct agent *agent;
	const struct session_handlers *handlers;
	void *data;
	struct session_paths paths;
	struct service_process all[SERVICES];
	sd_event_source *panel_timer;
	struct connect *connect; /* to the X server, in progress */
	sd_event_source *answer_timer;
	bool ready, was_ready, autostarted, given_up;
	/* The accessibility bus: on this display; on the session bus, asked and answered. */
	bool announced, offering, offered;
};

/* Starts what has become possible, and reports what has been reached. */
void session_advance(struct session *s);
/* Ends the services that need the X server. */
void session_display_gone(struct session *s);

/* ---- session_failures.c ---- */

/* Reports, once, that the desktop cannot be had. */
void session_give_up(struct session *s, const char *text);
void session_on_died(struct service_process *p);

#endif

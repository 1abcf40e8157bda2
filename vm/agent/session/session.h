#ifndef VM_AGENT_SESSION_SESSION_H
#define VM_AGENT_SESSION_SESSION_H

#include "base/err.h"

#include <X11/Xlib.h>
#include <stdint.h>

/*
 * The desktop's services: started in parallel as far as possible, watched, and restarted when they
 * exit.
 */

struct agent;
struct connections; /* vm/agent/x11/connect.h */
struct session;

/* Called from the loop, or inside session_start() and session_restored(). */
struct session_handlers {
	/* A service is up, or the first frame was captured; not called once the desktop is ready.
	 * ms since the agent's start. */
	void (*stage)(const char *stage, uint64_t ms, void *data);
	void (*ready)(uint64_t ms, void *data);
	/* A service exited too often, or does not respond, and is restarted after ms. */
	void (*resting)(const char *what, const char *why, uint64_t ms, void *data);
	/* A service that exited is up again; why: the reason of its exit. */
	void (*restarted)(const char *what, const char *why, void *data);
	/* The desktop cannot become ready (again); called once, as the last one. */
	void (*failed)(const char *text, void *data);
	/* The X server accepted these connections, which the callee owns: agent->display must be
	 * open after this.  False: err is set, and the X server is restarted. */
	bool (*display_up)(struct connections *made, struct err *err, void *data);
	/* agent->display must be NULL after this; may be called twice. */
	void (*display_gone)(void *data);
};

/* All handlers must be set; the caller keeps the agent. */
struct session *session_new(
	const struct agent *agent, const struct session_handlers *handlers, void *data);
/* Permanent failures are reported later. */
void session_start(struct session *session);
/* A new host: reports the stages again, and ready as soon as everything is up and a frame was
 * captured. */
void session_restored(struct session *session);
/* Whether a window manager should respond now. */
bool session_is_managed(const struct session *session);
/* To be called for every event on the display, some of which show that a service is up. */
void session_on_x_event(struct session *session, const XEvent *event);
/* The connection to the display broke; the X server may still be running. */
void session_on_display_lost(struct session *session);
/* agent->screen or agent->scale has changed: an X server that is restarted has them. */
void session_resized(struct session *session);
/* Kills all services.  NULL-safe. */
void session_free(struct session *session);

#endif

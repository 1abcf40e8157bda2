#ifndef VM_AGENT_SESSION_SESSION_H
#define VM_AGENT_SESSION_SESSION_H

#include "base/err.h"

#include <X11/Xlib.h>
#include <stdint.h>

/*
 * The desktop's own programs: started together as far as they do not need each other, watched, and
 * started again when they die.
 */

struct agent;
struct connections; /* vm/agent/x11/connect.h */
struct session;

/* Fire from the loop, or inside session_start() and session_restored(). */
struct session_handlers {
	/* A part is up, or the first frame was captured; not told once the desktop is ready.  ms
	 * since the agent's start. */
	void (*stage)(const char *stage, uint64_t ms, void *data);
	void (*ready)(uint64_t ms, void *data);
	/* A part died too often, or does not answer, and is started again after ms. */
	void (*resting)(const char *what, const char *why, uint64_t ms, void *data);
	/* A part that died is up again; why: how it died. */
	void (*restarted)(const char *what, const char *why, void *data);
	/* There will never be a desktop, or never again; once, and the last one. */
	void (*failed)(const char *text, void *data);
	/* The X server answers on these connections, which are the callee's: agent->display must be
	 * open after this.  False: err is set, and the X server is started again. */
	bool (*display_up)(struct connections *made, struct err *err, void *data);
	/* agent->display must be NULL after this; may come twice. */
	void (*display_gone)(void *data);
};

/* All members of the handlers must be set; the agent stays the caller's. */
struct session *session_new(
	const struct agent *agent, const struct session_handlers *handlers, void *data);
/* What is missing for good is told later. */
void session_start(struct session *session);
/* A new host: tells the stages again, and ready as soon as everything is up and a frame was
 * captured. */
void session_restored(struct session *session);
/* Whether a window manager should answer now. */
bool session_is_managed(const struct session *session);
/* Every event on the display: some of them show that a part is up. */
void session_on_x_event(struct session *session, const XEvent *event);
/* The connection to the display broke; the X server may still run. */
void session_on_display_lost(struct session *session);
/* Kills them all.  NULL-safe. */
void session_free(struct session *session);

#endif

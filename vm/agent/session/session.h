#ifndef VM_AGENT_SESSION_SESSION_H
#define VM_AGENT_SESSION_SESSION_H

#include "base/err.h"

#include <X11/Xlib.h>

/*
 * The desktop's own programs: started together as far as they do not need each other, watched, and
 * started again when they die.  Tells the host by the events of vm/wire/protocol.h: stage, ready,
 * restarted, failed.
 */

struct agent;
struct session;

struct session *session_new(struct agent *agent);
/* What is missing for good is told by an event, later. */
void session_start(struct session *session);
/* A new host: tells it the stages again, and ready as soon as everything is up and a frame was
 * captured. */
void session_renew(struct session *session);
/* Whether a window manager should answer now. */
bool session_is_managed(const struct session *session);
/* Every event on the display: some of them are signs of life. */
void session_on_x_event(struct session *session, const XEvent *event);
/* The display's connection broke, whatever its process may still do. */
void session_on_display_lost(struct session *session);
/* Where the X server takes viewers; nothing is there while it is away. */
const char *session_rfb_path(const struct session *session);
/* Kills them all.  NULL-safe. */
void session_free(struct session *session);

#endif

#ifndef VM_AGENT_WINDOW_VNC_SERVER_H
#define VM_AGENT_WINDOW_VNC_SERVER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * One viewer of one window, as its VNC server: RFB 3.8 without security, with Raw and Tight, the
 * window's size as the desktop's, and the pointer painted or told.  What it may is decided by the
 * host's gateway, as with the whole screen.
 */

struct agent;
struct vnc_server;

struct vnc_server_handlers {
	/* Returns how many bytes were taken; after less than all, vnc_server_writable() is to follow.
	 */
	size_t (*write)(const void *bytes, size_t len, void *data);
	/* The window or the display is no more, or the viewer broke the protocol; once, and
	 * vnc_server_free() is allowed inside. */
	void (*ended)(const struct err *why, void *data);
};

/* Speaks first.  window: the number of windows_encode().  ERR_NOT_FOUND: no such window. */
struct vnc_server *vnc_server_new(struct agent *agent, uint32_t window,
	const struct vnc_server_handlers *handlers, void *data, struct err *err) NODISCARD;
void vnc_server_free(struct vnc_server *v); /* NULL-safe */

/* What the viewer said; may end it. */
void vnc_server_feed(struct vnc_server *v, const void *bytes, size_t len);
void vnc_server_writable(struct vnc_server *v);

#endif

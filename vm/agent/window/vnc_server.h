#ifndef VM_AGENT_WINDOW_VNC_SERVER_H
#define VM_AGENT_WINDOW_VNC_SERVER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The VNC server for one viewer of one window: RFB 3.8 without security, with Raw and Tight. The
 * window's size is the desktop's, and the pointer is painted or reported.  The host's filter
 * decides what a viewer may do, as for the whole screen.
 */

struct agent;
struct vnc_server;

struct vnc_server_handlers {
	/* Returns the number of bytes accepted; if not all, vnc_server_writable() must follow. */
	size_t (*write)(const void *bytes, size_t len, void *data);
	/* The window or the display has closed, or the viewer violated the protocol; once, and
	 * vnc_server_free() is allowed inside. */
	void (*ended)(const struct err *why, void *data);
};

/* The server speaks first.  window: a number of windows_encode().  ERR_NOT_FOUND: unknown
 * window. */
struct vnc_server *vnc_server_new(struct agent *agent, uint32_t window,
	const struct vnc_server_handlers *handlers, void *data, struct err *err) NODISCARD;
void vnc_server_free(struct vnc_server *v); /* NULL-safe */

/* Processes the viewer's data; may end it. */
void vnc_server_feed(struct vnc_server *v, const void *bytes, size_t len);
void vnc_server_writable(struct vnc_server *v);

#endif

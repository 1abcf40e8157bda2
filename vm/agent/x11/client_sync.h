#ifndef VM_AGENT_X11_CLIENT_SYNC_H
#define VM_AGENT_X11_CLIENT_SYNC_H

#include "vm/agent/x11/display.h"

/*
 * Waits until another client has read its events, which X itself does not report.  A client that
 * supports _NET_WM_PING answers a ping after all earlier events; a window manager answers a
 * request.
 */

struct client_sync;

enum client_sync_answer {
	CLIENT_SYNC_ANSWERED,
	CLIENT_SYNC_SILENT, /* it did not respond in time */
};

/* Called once, from the loop; client_sync_free() is allowed inside. */
typedef void client_sync_fn(enum client_sync_answer answer, void *data);

/* The client of the focused window; NULL if it cannot be asked. */
struct client_sync *client_sync_focus(
	struct display *d, uint64_t ms, client_sync_fn *fn, void *data);
/* The client of this window, which is a top-level one; NULL as well. */
struct client_sync *client_sync_window(
	struct display *d, Window window, uint64_t ms, client_sync_fn *fn, void *data);
/* Whether the focused window's can be asked. */
bool client_sync_can_ask(struct display *d);
/* NULL without a window manager. */
struct client_sync *client_sync_window_manager(struct display *d, client_sync_fn *fn, void *data);
/* A liveness check: whether a window manager responds at all, not what it has processed. */
struct client_sync *client_sync_liveness(struct display *d, client_sync_fn *fn, void *data);
/* For a client that cannot be asked: until nothing was painted for a while.  Always "answered". */
struct client_sync *client_sync_paint(
	struct display *d, uint64_t ms, client_sync_fn *fn, void *data);
void client_sync_free(struct client_sync *s); /* stops waiting; NULL-safe */

/* Whether keys are delivered: a window has the focus, or a client has grabbed the keyboard. */
bool client_sync_has_focus(struct display *d);
/* Whether another client has grabbed it: a menu, or a program that takes all keys. */
bool client_sync_keyboard_is_grabbed(struct display *d);

#endif

#ifndef VM_AGENT_X11_CONNECT_H
#define VM_AGENT_X11_CONNECT_H

#include <X11/Xlib.h>
#include <systemd/sd-event.h>

/*
 * The agent's connections to the X server.  A client that grabs the server blocks new clients for
 * any time, so the loop does not wait for connections. Established ones are not affected by grabs
 * of others.
 */
struct connections {
	Display *x, *recorder; /* NULL: the server did not respond */
};

struct connect;
/* Called once, from the loop, with connections that the callee owns.  It may never be called: after
 * a timeout, end the X server or cancel. */
typedef void connect_fn(struct connections made, void *data);

/* name: ":0". */
struct connect *connect_start(sd_event *event, const char *name, connect_fn *fn, void *data);
/* No more callbacks.  NULL-safe. */
void connect_cancel(struct connect *c);

/* The same, blocking. */
struct connections connect_now(const char *name);
void connections_close(struct connections *made);

#endif

#ifndef VM_AGENT_X11_CONNECT_H
#define VM_AGENT_X11_CONNECT_H

#include <X11/Xlib.h>
#include <systemd/sd-event.h>

/*
 * The agent's connections to the X server.  A client that grabs the server holds up every client
 * that comes after it for as long as it likes, so nobody waits for the connections on the loop.
 * Once they are there, no other client's grab stops them.
 */
struct connections {
	Display *x, *recorder; /* NULL: the server did not answer */
};

struct connect;
/* Fires once, from the loop, with connections that are the callee's.  It may take for ever: whoever
 * has waited long enough ends the X server, or cancels. */
typedef void connect_fn(struct connections made, void *data);

/* name: ":0". */
struct connect *connect_start(sd_event *event, const char *name, connect_fn *fn, void *data);
/* No callback comes any more.  NULL-safe. */
void connect_cancel(struct connect *c);

/* The same, waiting for it. */
struct connections connect_now(const char *name);
void connections_close(struct connections *made);

#endif

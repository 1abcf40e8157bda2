#ifndef VM_AGENT_ELEMENTS_BUS_H
#define VM_AGENT_ELEMENTS_BUS_H

#include "base/err.h"

#include <systemd/sd-bus.h>

/*
 * The connection to the accessibility bus.  The session bus starts that bus on demand: a desktop
 * whose elements are never read runs none of it, unless a program starts it.  Connecting also tells
 * programs that elements are wanted (org.a11y.Status), which Qt and Firefox wait for.
 */
struct a11y_bus;
struct display; /* vm/agent/x11/display.h */

struct a11y_bus *a11y_bus_new(sd_event *event);
void a11y_bus_free(struct a11y_bus *bus); /* NULL-safe */

/* A connection to a program that serves one itself, at an address that it says; NULL: not there. */
sd_bus *a11y_peer_open(sd_event *event, const char *address);
void a11y_peer_close(sd_bus *peer); /* NULL-safe */

/* Calls fn once, from the loop: with the connection, which is borrowed until the loop runs again, or
 * with an error.  Until then the call may be cancelled. */
struct a11y_wait;
typedef void a11y_bus_fn(sd_bus *bus, const struct err *err, void *data);
struct a11y_wait *a11y_bus_connect(struct a11y_bus *bus, a11y_bus_fn *fn, void *data);
/* Tells programs that start later where the bus is, by the display: only then do all of Qt 5 find it, whose
 * other way loses one in three. */
void a11y_bus_announce(const struct a11y_bus *bus, struct display *display);
/* Whether programs may not have reacted yet to the connection, which is new. */
bool a11y_bus_is_young(const struct a11y_bus *bus);
void a11y_wait_cancel(struct a11y_wait *wait); /* NULL-safe */

#endif

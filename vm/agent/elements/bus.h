#ifndef VM_AGENT_ELEMENTS_BUS_H
#define VM_AGENT_ELEMENTS_BUS_H

#include "base/err.h"

#include <systemd/sd-bus.h>

/*
 * The accessibility bus is a service of the desktop (vm/agent/session/services.c).  The agent tells
 * programs where it is: by the display, and as org.a11y.Bus on the session bus.  at-spi-bus-launcher,
 * which would do that on demand, has its name before it has a bus: a program of Qt 5 that starts in
 * between, or finds the name but nothing at the display, never reports its elements.
 *
 * The connection to it is made on demand.  That also tells programs that elements are wanted
 * (org.a11y.Status), which Firefox waits for.
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
/* Tells programs by the display where the bus is. */
void a11y_bus_announce(const char *address, struct display *display);
/* Tells them by the session bus, and calls fn once, from the loop, when that has had its answer.
 * False: it cannot be. */
typedef void a11y_offered_fn(void *data);
bool a11y_bus_offer(struct a11y_bus *bus, const char *session, const char *address,
	a11y_offered_fn *fn, void *data);
/* Whether programs may not have reacted yet to the connection, which is new. */
bool a11y_bus_is_young(const struct a11y_bus *bus);
void a11y_wait_cancel(struct a11y_wait *wait); /* NULL-safe */

#endif

#ifndef SERVER_E2B_DESKTOP_DESKTOP_H
#define SERVER_E2B_DESKTOP_DESKTOP_H

#include "server/e2b/core/request.h"
#include "server/viewer/desktop.h"

/*
 * The stream of a desktop as E2B's desktop SDK links it: https://6080-ID.DOMAIN/vnc.html?password=...
 * In the sandbox, a program in the place of noVNC's proxy listens at that port while the stream is to
 * be seen, and tells what it is to be.  The link leads to the viewer page of this server, on the same
 * host, and ends with that program.
 */

#define E2B_STREAM_PORT 6080

struct e2b_desktops;

/* Both are borrowed. */
struct e2b_desktops *e2b_desktops_new(
	struct watched_desktops *desktops, struct streams *streams, struct err *err) NODISCARD;
/* After the listeners, before what was borrowed.  NULL-safe. */
void e2b_desktops_free(struct e2b_desktops *all);

/* A request to that port. */
void e2b_desktop_run(struct e2b_request *r);

#endif

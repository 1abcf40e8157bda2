#ifndef SERVER_HTTP_READINESS_H
#define SERVER_HTTP_READINESS_H

#include "base/err.h"

#include <systemd/sd-event.h>

/* Whether the configured backend works on this machine.  A child process (`vitrine doctor --json`)
 * determines it at start, and again on request if the result is old.  A reported result is never
 * older than READY_OLD_SECONDS; later requests wait for the next one. */

struct ready;
struct ready_wait;

#define READY_OLD_SECONDS 60

/* why->kind is ERR_NONE if it works; valid during the call. */
typedef void ready_fn(const struct err *why, void *data);

struct ready *ready_new(sd_event *event, const char *backend);
void ready_free(struct ready *ready); /* NULL-safe; waiting requests are dropped without a call */

/* Calls fn once: immediately (then returns NULL), or from the loop. */
struct ready_wait *ready_ask(struct ready *ready, ready_fn *fn, void *data);
void ready_forget(struct ready_wait *wait); /* fn is not called */

#endif

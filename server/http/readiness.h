#ifndef SERVER_HTTP_READINESS_H
#define SERVER_HTTP_READINESS_H

#include "base/err.h"

#include <systemd/sd-event.h>

/* Whether this machine can run the backend that is configured.  A child finds out (`vitrine doctor
 * --json`), now, and when somebody asks and the last answer is not new any more.  An answer is
 * never older than READY_OLD_SECONDS: who asks later waits for the next one. */

struct ready;
struct ready_wait;

#define READY_OLD_SECONDS 60

/* why->kind is ERR_NONE when it works; valid during the call. */
typedef void ready_fn(const struct err *why, void *data);

struct ready *ready_new(sd_event *event, const char *backend);
void ready_free(struct ready *ready); /* NULL-safe; who waits is forgotten */

/* fn is called once: now (then NULL is returned), or from the loop. */
struct ready_wait *ready_ask(struct ready *ready, ready_fn *fn, void *data);
void ready_forget(struct ready_wait *wait); /* it is not called any more */

#endif

#ifndef SERVER_READY_H
#define SERVER_READY_H

#include "base/err.h"

#include <systemd/sd-event.h>

/* Whether this machine can run the backend that is configured.  A child finds out (`vitrine doctor
 * --json`), now and whenever the answer has become old and somebody asks. */

struct ready;

struct ready *ready_new(sd_event *event, const char *backend);
void ready_free(struct ready *ready); /* NULL-safe */

/* The last answer, at once; ERR_STATE until there is one. */
bool ready_check(struct ready *ready, struct err *err) NODISCARD;

#endif

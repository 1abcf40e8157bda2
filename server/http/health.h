#ifndef SERVER_HTTP_HEALTH_H
#define SERVER_HTTP_HEALTH_H

#include "server/config/config.h"
#include "server/mcp/server.h"
#include "server/metrics/metrics.h"
#include "transport/http/http.h"

/* Routes for operators: /healthz, /readyz, /metrics, and the metadata of the authorization server,
 * if any (RFC 9728). */

struct status;

/* All arguments must outlive the http.  Call status_free() after the pool has ended. */
struct status *status_new(sd_event *event, struct http *http, const struct config *config,
	struct metrics *metrics, const struct server *server, struct vm_pool *vms);
void status_free(struct status *status); /* NULL-safe */

/* The path of the metadata, for http_options. */
#define STATUS_METADATA_PATH "/.well-known/oauth-protected-resource/mcp"

#endif

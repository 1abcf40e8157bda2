#ifndef SERVER_HTTP_HEALTH_H
#define SERVER_HTTP_HEALTH_H

#include "server/config/config.h"
#include "server/mcp/server.h"
#include "server/metrics/metrics.h"
#include "transport/http/http.h"

/* Pages for those who run the server: /healthz, /readyz, /metrics, and, with an authorization
 * server, its metadata (RFC 9728). */

struct status;

/* All of it must outlive the http; status_free() comes after the pool's end. */
struct status *status_new(sd_event *event, struct http *http, const struct config *config,
	struct metrics *metrics, const struct server *server, struct vm_pool *vms);
void status_free(struct status *status); /* NULL-safe */

/* Where the metadata is, for http_options. */
#define STATUS_METADATA_PATH "/.well-known/oauth-protected-resource/mcp"

#endif

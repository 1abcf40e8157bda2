#ifndef SERVER_VIEWER_LISTENER_H
#define SERVER_VIEWER_LISTENER_H

#include "server/config/config.h"
#include "server/http/auth.h"
#include "server/viewer/desktop.h"
#include "transport/http/http.h"

/*
 * Serves the viewer pages on the HTTP listener or, over stdio alone, on a separate one that starts
 * with the first link.  Also owns the registry of streams.
 */

struct listen_streams;

struct listen_streams *listen_streams_new(sd_event *event, const struct config *config,
	struct vm_pool *vms, struct metrics *metrics, struct activity *activity);
/* Calls fn when the separate listener has started, before it serves a request. */
void listen_streams_on_open(
	struct listen_streams *listen, void (*fn)(struct http *http, void *data), void *data);
/* After the server and http, before the pool.  NULL-safe. */
void listen_streams_free(struct listen_streams *listen);
/* Revokes a principal's links and ends its sessions of the dashboard. */
void listen_streams_drop_owner(struct listen_streams *listen, const char *owner);
struct streams *listen_streams_registry(struct listen_streams *listen);
struct watched_desktops *listen_streams_desktops(struct listen_streams *listen);

/* Serves the pages on this listener, with the principals of auth. */
bool listen_streams_use(struct listen_streams *listen, struct http *http, struct auth *auth,
	struct err *err) NODISCARD;

/* Returns the base URL of the pages, see call_stream_base().  host: the client's name of this
 * server, or NULL. */
bool listen_streams_base(
	struct listen_streams *listen, const char *host, char **ret_url, struct err *err) NODISCARD;

#endif

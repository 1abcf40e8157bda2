#ifndef SERVER_VIEWER_LISTENER_H
#define SERVER_VIEWER_LISTENER_H

#include "server/config/config.h"
#include "server/http/auth.h"
#include "server/viewer/desktop.h"
#include "transport/http/http.h"

/*
 * Where people see streams: pages on the HTTP listener there is, or, over stdio alone, on one of
 * their own that begins when the first link is asked for.  It has the registry of streams, too.
 */

struct listen_streams;

struct listen_streams *listen_streams_new(sd_event *event, const struct config *config,
	struct vm_pool *vms, struct metrics *metrics, struct activity *activity);
/* After the server and http, before the pool.  NULL-safe. */
void listen_streams_free(struct listen_streams *listen);
/* Ends a principal's links, and signs it out of the list of its desktops. */
void listen_streams_drop_owner(struct listen_streams *listen, const char *owner);
struct streams *listen_streams_registry(struct listen_streams *listen);
struct watched_desktops *listen_streams_desktops(struct listen_streams *listen);

/* The pages are on this listener, for those auth knows. */
bool listen_streams_use(struct listen_streams *listen, struct http *http, struct auth *auth,
	struct err *err) NODISCARD;

/* How people reach the pages, as call_stream_base() says it; host: how the client calls this
 * server, or NULL. */
bool listen_streams_base(
	struct listen_streams *listen, const char *host, char **ret_url, struct err *err) NODISCARD;

#endif

#ifndef SERVER_HTTP_LISTENER_H
#define SERVER_HTTP_LISTENER_H

#include "server/config/config.h"
#include "server/http/auth.h"
#include "server/mcp/server.h"
#include "transport/http/http.h"

/* The server's HTTP side: Streamable HTTP on /mcp, HTTP+SSE on /sse and /messages. */

struct listen_http;

/* Who the clients of a listener are, as in struct http_options. */
struct listen_http_clients {
	const char *(*authorize)(const char *token, void *data);
	const char *(*identify)(struct http_exchange *x, void *data);
	void *data;
	struct budgets *budgets;
	int64_t per_address; /* connections; 0: the default */
};
/* Opens a listener at an address, with the TLS, name and limit options of config, but no routes.
 * Raises the limit of open files as the number of connections requires. */
struct http *listen_http_open(sd_event *event, const struct config_http *config,
	const char *address, const struct listen_http_clients *clients, struct err *err) NODISCARD;

/* Free it after the server and before auth. */
struct listen_http *listen_http_new(sd_event *event, struct server *server,
	const struct config_http *config, struct auth *auth, struct budgets *budgets,
	struct err *err) NODISCARD;
void listen_http_free(struct listen_http *listen); /* NULL-safe */
/* For the routes of pages, and for counters. */
struct http *listen_http_http(struct listen_http *listen);

#endif

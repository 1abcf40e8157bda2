#ifndef SERVER_HTTP_LISTENER_H
#define SERVER_HTTP_LISTENER_H

#include "server/config/config.h"
#include "server/http/auth.h"
#include "server/mcp/server.h"
#include "transport/http/http.h"

/* A server's HTTP side: Streamable HTTP on /mcp, HTTP+SSE on /sse and /messages. */

struct listen_http;

/* A listener at an address, with what config says of TLS, names and bounds; nothing on it yet.
 * budgets: as in struct http_options.
 * Files of its own for those who come must be allowed: raises that limit. */
struct http *listen_http_open(sd_event *event, const struct config_http *config,
	const char *address, const char *(*authorize)(const char *token, void *data), void *data,
	struct budgets *budgets, struct err *err) NODISCARD;

/* The server must go before it; auth, after it. */
struct listen_http *listen_http_new(sd_event *event, struct server *server,
	const struct config_http *config, struct auth *auth, struct budgets *budgets,
	struct err *err) NODISCARD;
void listen_http_free(struct listen_http *listen); /* NULL-safe */
/* For pages beside MCP, and for what it counts. */
struct http *listen_http_http(struct listen_http *listen);

#endif

#ifndef SERVER_CMD_DEMO_CLIENT_H
#define SERVER_CMD_DEMO_CLIENT_H

#include "base/err.h"

#include <jansson.h>
#include <systemd/sd-event.h>

/*
 * A small MCP client for `vitrine demo`.  It starts a server as a child process and sends JSON-RPC
 * requests through pipes, one at a time.
 */
struct demo_client;

typedef void demo_progress_fn(const char *message);

/* argv as for spawn_start(); the child inherits stderr. */
struct demo_client *demo_client_new(sd_event *event, const char *const *argv,
	demo_progress_fn *progress, struct err *err) NODISCARD;
/* Closes the session and waits until the server has ended, or kills it after a timeout.
 * NULL-safe. */
void demo_client_free(struct demo_client *client);

/*
 * Runs the loop until the response arrives.  Takes params.  Returns the result, which the caller
 * owns. A JSON-RPC error, the end of the server and Ctrl-C are errors.  *ret_ms is the duration,
 * for the first request including the server's start.
 */
json_t *demo_client_request(struct demo_client *client, const char *method, json_t *params,
	double *ret_ms, struct err *err) NODISCARD;
void demo_client_notify(struct demo_client *client, const char *method);

#endif

#ifndef SERVER_MCP_METHOD_H
#define SERVER_MCP_METHOD_H

#include "base/err.h"

#include <jansson.h>

/*
 * The methods that server/mcp/ serves, and the parts attached to its sessions.
 * server/methods/methods.c defines those of the product.
 */

struct request;
struct server;
struct session;
struct tool_set;

/* One method.  run() must call request_reply() or request_fail(), now or later. */
struct mcp_method {
	const char *name;
	unsigned eras; /* bits of enum mcp_era */
	void (*run)(struct request *request);
	int ttl_ms; /* how long a modern client may cache the result; -1: not at all */
	/* The result of a request that is aborted; NULL: it gets a JSON-RPC error. */
	json_t *(*refusal)(const struct err *why);
};

/* A part of the server that is attached to sessions.  Members may be NULL. */
struct session_part {
	void (*started)(struct server *server); /* the server is complete and has no sessions */
	void (*stopped)(struct server *server); /* all sessions have ended */
	/* the owner's sessions have ended */
	void (*owner_gone)(struct server *server, const char *owner);
	/* A client reads again after back pressure: send what was omitted. */
	void (*catch_up)(struct session *session);
	/* The client reads no more notifications: end open subscriptions, each with its response. */
	void (*ended)(struct session *session);
};

struct server_methods {
	/* terminated by a row without a name */
	const struct mcp_method *table;
	const struct session_part *const *parts;             /* terminated by NULL */
	char *(*instructions)(const struct tool_set *tools); /* for the model; to free() */
};

#endif

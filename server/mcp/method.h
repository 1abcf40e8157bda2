#ifndef SERVER_MCP_METHOD_H
#define SERVER_MCP_METHOD_H

#include "base/err.h"

#include <jansson.h>

/*
 * What server/mcp/ is given to serve: the methods of the protocol, and the parts that hang on its
 * sessions.  server/methods/methods.c has the product's.
 */

struct request;
struct server;
struct session;
struct tool_set;

/* One method.  run() must end in request_reply() or request_fail(), now or later. */
struct mcp_method {
	const char *name;
	unsigned eras; /* bits of enum mcp_era */
	void (*run)(struct request *request);
	int ttl_ms; /* how long a modern client may keep the result; -1: it may not */
	/* The result of one that is stopped from outside; NULL: it gets a JSON-RPC error. */
	json_t *(*refusal)(const struct err *why);
};

/* A part of the server that hangs on its sessions.  Members may be NULL. */
struct session_part {
	void (*started)(struct server *server); /* it is whole, and has no sessions */
	void (*stopped)(struct server *server); /* it has no sessions any more */
	void (*owner_gone)(struct server *server, const char *owner); /* its sessions have ended */
	/* A client that held back reads again: sends what was left out. */
	void (*catch_up)(struct session *session);
	/* Nobody will hear of anything any more: ends what is open for that, each with its answer. */
	void (*ended)(struct session *session);
};

struct server_methods {
	const struct mcp_method *table;                      /* ends with a row without a name */
	const struct session_part *const *parts;             /* ends with NULL */
	char *(*instructions)(const struct tool_set *tools); /* for the model; free() it */
};

#endif

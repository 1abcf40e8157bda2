#ifndef SERVER_MCP_SERVER_H
#define SERVER_MCP_SERVER_H

#include "base/budget.h"
#include "tools/call/tool.h"
#include "transport/mcp/transport.h"
#include "vm/core/vm.h"

/*
 * The MCP server: receives JSON-RPC messages from any transport and responds.  rpc.c implements
 * JSON-RPC, revision.c the protocol revisions; the caller supplies the methods.
 */

struct activity;
struct server;
struct server_methods;
struct prompt;
struct resource_row;

/* Additions of a program to the server's methods.  Each list is terminated by NULL. */
struct server_addition {
	const struct tool *const *tools; /* added with tool_set_add() by the creator of the set */
	const struct prompt *const *prompts;
	const struct resource_row *const *resources;
	bool lists_change; /* whether the lists of tools and prompts change at run time */
};

struct server_options {
	const struct server_methods *methods; /* server/mcp/method.h */
	struct vm_pool *vms;
	const struct tool_set *tools;
	/* concurrent tools/call requests; further ones are refused */
	int64_t max_calls; /* per connection, or per session over HTTP */
	/* per principal; NULL, or a result of 0: no limit */
	int64_t (*max_calls_of)(const char *owner, void *data);
	void *data;
	struct streams *streams; /* tools/sandbox/streams.h */
	/* See call_stream_base().  host: the client's name of this server, or NULL. */
	bool (*stream_base)(const char *host, char **ret_url, struct err *err, void *data);
	const char *(*stream_vnc)(void *data);  /* see call_stream_vnc() */
	const struct server_addition *addition; /* NULL: none */
	struct activity *activity;              /* receives each answered call; NULL: none */
	unsigned beat_ms;        /* maximum interval between progress notifications; 0: 5 s */
	unsigned task_after_ms;  /* a call that takes longer may become a task; 0: 500 */
	unsigned task_keep_ms;   /* how long its result is kept; 0: ten minutes */
	struct budgets *budgets; /* of memory, per principal; NULL: no limit.  Must outlive all */
};

struct server *server_new(sd_event *event, const struct server_options *options);
/* Call before freeing the transports and the pool.  Connections are detached silently, calls in
 * flight are dropped.  NULL-safe. */
void server_free(struct server *server);

/*
 * Calls fn once, from the loop, when the last duplex connection has ended: input at its end, calls
 * in flight answered (with an error after ten minutes), output written or its reader disconnected.
 * Then `serve` over stdio exits.
 */
void server_on_idle(struct server *server, void (*fn)(void *data), void *data);

/* The number of open duplex connections. */
size_t server_duplexes(const struct server *server);

/* Starts an orderly shutdown: no more calls are accepted, subscriptions end, and each connection
 * closes once its requests are answered. */
void server_finish(struct server *server);
/* Completes it: answers all requests in flight with an error (why: a sentence). */
void server_abort(struct server *server, const char *why);

/* Ends all sessions of a principal, including requests in flight. */
void server_drop_owner(struct server *server, const char *owner);
/* To be called when results of max_calls_of() have changed. */
void server_limits_changed(struct server *server);

/* For a transport, with the server as `data`. */
extern const struct transport_handlers server_transport_handlers;

/* Calls in flight, over all connections. */
size_t server_calls(const struct server *server);

#endif

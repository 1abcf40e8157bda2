#ifndef SERVER_MCP_SERVER_H
#define SERVER_MCP_SERVER_H

#include "base/budget.h"
#include "tools/tool.h"
#include "transport/mcp/transport.h"
#include "vm/core/vm.h"

/*
 * The MCP server: JSON-RPC messages from any transport in, answers out.  rpc.c knows JSON-RPC,
 * revision.c the protocol revisions; the methods it serves are given to it.
 */

struct activity;
struct server;
struct server_methods;
struct prompt;
struct resource_row;

/* What a program offers beside the server's own.  Each list ends with NULL. */
struct server_addition {
	const struct tool *const *tools; /* for tool_set_add(): by whoever makes the set */
	const struct prompt *const *prompts;
	const struct resource_row *const *resources;
	bool lists_change; /* tools and prompts do, while it runs */
};

struct server_options {
	const struct server_methods *methods; /* server/mcp/method.h */
	struct vm_pool *vms;
	const struct tool_set *tools;
	/* tools/call in flight; more are refused with a sentence */
	int64_t max_calls; /* on one connection, or in one session over HTTP */
	/* Over all of a principal's; NULL, or 0 from it: no limit */
	int64_t (*max_calls_of)(const char *owner, void *data);
	void *data;
	struct streams *streams; /* tools/streams.h */
	/* call_stream_base(); host: how the client calls this server, or NULL. */
	bool (*stream_base)(const char *host, char **ret_url, struct err *err, void *data);
	const char *(*stream_vnc)(void *data);  /* call_stream_vnc() */
	const struct server_addition *addition; /* NULL: nothing */
	struct activity *activity; /* each answered call goes in there; NULL: nowhere */
	unsigned beat_ms; /* a call tells at least so often that it is at work; 0: every 5 s */
	unsigned task_after_ms;  /* a call that takes longer may become a task; 0: 500 */
	unsigned task_keep_ms;   /* and its result is kept for so long; 0: ten minutes */
	struct budgets *budgets; /* of memory, by principal; NULL: no limit.  Outlives all */
};

struct server *server_new(sd_event *event, const struct server_options *options);
/* Before the transports and the pool it was given: connections are let go without a word, calls in
 * flight are dropped.  NULL-safe. */
void server_free(struct server *server);

/*
 * fn fires once, from the loop, when the last duplex connection has ended: input at its end, calls
 * in flight answered (after ten minutes: with an error), output written or its reader gone. `serve`
 * over stdio ends then.
 */
void server_on_idle(struct server *server, void (*fn)(void *data), void *data);

/* Duplex connections that have not ended. */
size_t server_duplexes(const struct server *server);

/* Begins a clean end: no more calls are taken, subscriptions end, and each connection closes once
 * what is in flight over it was answered. */
void server_finish(struct server *server);
/* And goes on with it: all that is still in flight is answered with an error (why: a sentence). */
void server_abort(struct server *server, const char *why);

/* Ends all sessions of a principal, with what is in flight in them. */
void server_drop_owner(struct server *server, const char *owner);
/* What max_calls_of() says has changed. */
void server_limits_changed(struct server *server);

/* For a transport: `data` must be the server. */
extern const struct transport_handlers server_transport_handlers;

/* Calls in flight, over all connections. */
size_t server_calls(const struct server *server);

#endif

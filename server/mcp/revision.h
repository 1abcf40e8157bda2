#ifndef SERVER_MCP_REVISION_H
#define SERVER_MCP_REVISION_H

#include "base/field.h"
#include "server/mcp/rpc.h"

/*
 * The protocol revisions, and everything that differs between them.  Two eras: modern (2026-07-28;
 * each request says its revision in params._meta, nothing is remembered) and legacy (`initialize`
 * agrees on a revision for the connection).
 */

struct conn;
struct request;
struct server;
struct session;

enum mcp_era {
	MCP_LEGACY = 1 << 0,
	MCP_MODERN = 1 << 1,
	MCP_BOTH = MCP_LEGACY | MCP_MODERN,
};

struct mcp_revision {
	const char *name; /* its date; later ones compare greater */
	enum mcp_era era;
};

/* One method of the protocol.  run() must end in request_reply() or request_fail(), now or later.
 */
struct mcp_method {
	const char *name;
	unsigned eras;
	void (*run)(struct request *request);
	bool cached; /* modern results carry ttlMs and cacheScope */
	int ttl_ms;
};

enum mcp_code {
	MCP_RESOURCE_NOT_FOUND = -32002, /* legacy only */
	MCP_HEADER_MISMATCH = -32020,
	MCP_MISSING_CAPABILITY = -32021, /* data.requiredCapabilities: an object */
	MCP_UNSUPPORTED_VERSION = -32022,
};

/* Fills in what the envelope says about a request: revision, method, progress token, log level. */
bool mcp_read(struct request *request, const char *method, struct rpc_fault *fault);
/* Is it a message of the modern era, by its _meta or by the HTTP header?  Then it needs no session.
 */
bool mcp_is_modern(const struct conn *conn, const json_t *message);
bool mcp_is_initialize(const json_t *message);
/* May a legacy HTTP request carry this MCP-Protocol-Version? */
bool mcp_is_legacy_version(const char *version);
/* The HTTP status of an answer with this error. */
int mcp_http_status(const struct request *request, int code);
/* Do streams of this session begin with an event that has an id and no data? */
bool mcp_primes_streams(const struct session *session);
/*
 * Checks that a header of the HTTP request says what the message does.  A value that cannot stand
 * in a header comes as =?base64?...?=.
 */
/* Do the HTTP headers that repeat arguments (field.header) say the same? */
bool mcp_check_params(const struct request *request, const struct field *fields, const json_t *args,
	struct rpc_fault *fault);
bool mcp_check_header(
	const struct conn *conn, const char *header, const char *value, struct rpc_fault *fault);
/* Mcp-Method, and Mcp-Name where the method has a name or a URI. */
bool mcp_check_headers(const struct request *request, const char *method, struct rpc_fault *fault);
/* Does this connection take arrays of messages? */
bool mcp_takes_batches(const struct session *session);
/* The id of an answer to a message whose own id is unknown: null, or NULL where the schema wants it
 * left out. */
const json_t *mcp_no_id(const struct conn *conn);
/* Puts into a result what the request's revision wants there. */
void mcp_finish_result(const struct request *request, json_t *result);
/* Takes out of a definition (tool, resource, prompt) what the request's revision does not know. */
void mcp_fit(const struct request *request, json_t *definition);
int mcp_not_found(const struct request *request); /* the code for an unknown resource */
/* What the client can do, as it declared it; NULL: nothing. */
const json_t *mcp_client_capabilities(const struct request *request);
/* Do lists of tools and prompts change while the server runs? */
bool mcp_lists_change(const struct server *server);
bool mcp_progress_has_message(const struct request *request);

/* The methods, by the file they live in. */
void call_method_list(struct request *request);
void call_method_call(struct request *request);
void resource_method_list(struct request *request);
void resource_method_templates(struct request *request);
void resource_method_read(struct request *request);
void listen_method_subscribe(struct request *request);
void listen_method_unsubscribe(struct request *request);
void listen_method_listen(struct request *request);
void prompt_method_list(struct request *request);
void prompt_method_get(struct request *request);
void completion_method_complete(struct request *request);
void log_method_set_level(struct request *request);

#endif

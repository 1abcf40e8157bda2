#ifndef SERVER_MCP_ENVELOPE_H
#define SERVER_MCP_ENVELOPE_H

#include "base/field.h"
#include "server/mcp/rpc.h"

/* What a message says beside its method's own parameters: in params._meta (envelope.c), and in the
 * HTTP headers that repeat it (headers.c). */

struct conn;
struct request;

#define MCP_VERSION_HEADER "MCP-Protocol-Version"

/* Fills in what the envelope says about a request: revision, method, progress token, log level. */
bool mcp_read(struct request *request, const char *method, struct rpc_fault *fault);
/* Is it a message of the modern era, by its _meta or by the HTTP header?  Then it needs no session.
 */
bool mcp_is_modern(const struct conn *conn, const json_t *message);
bool mcp_is_initialize(const json_t *message);
/* What the client can do, as it declared it; NULL: nothing. */
const json_t *mcp_client_capabilities(const struct request *request);

/*
 * Checks that a header of the HTTP request says what the message does.  A value that cannot stand
 * in a header comes as =?base64?...?=.
 */
bool mcp_check_header(
	const struct conn *conn, const char *header, const char *value, struct rpc_fault *fault);
/* Mcp-Method, and Mcp-Name where the method has a name or a URI. */
bool mcp_check_headers(const struct request *request, const char *method, struct rpc_fault *fault);
/* Do the HTTP headers that repeat arguments (field.header) say the same? */
bool mcp_check_params(const struct request *request, const struct field *fields, const json_t *args,
	struct rpc_fault *fault);

#endif

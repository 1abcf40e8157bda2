#ifndef SERVER_MCP_ENVELOPE_H
#define SERVER_MCP_ENVELOPE_H

#include "base/field.h"
#include "server/mcp/rpc.h"

/* The members of a message besides its method's parameters: params._meta (envelope.c), and the HTTP
 * headers that repeat members (headers.c). */

struct conn;
struct request;

#define MCP_VERSION_HEADER "MCP-Protocol-Version"

/* Sets the common members of a request: revision, method, progress token, log level. */
bool mcp_read(struct request *request, const char *method, struct rpc_fault *fault);
/* Whether it is a message of the modern era, by its _meta or by the HTTP header, so that it needs
 * no session. */
bool mcp_is_modern(const struct conn *conn, const json_t *message);
bool mcp_is_initialize(const json_t *message);
/* The capabilities that the client has declared; NULL: none. */
const json_t *mcp_client_capabilities(const struct request *request);

/*
 * Checks that a header of the HTTP request matches the message.  A value that is not valid in a
 * header is sent as =?base64?...?=.
 */
bool mcp_check_header(
	const struct conn *conn, const char *header, const char *value, struct rpc_fault *fault);
/* Checks Mcp-Method, and Mcp-Name if the method has a name or a URI. */
bool mcp_check_headers(const struct request *request, const char *method, struct rpc_fault *fault);
/* Checks the HTTP headers that repeat arguments (field.header); the request has headers. */
bool mcp_check_params(const struct request *request, const struct field *fields, const json_t *args,
	struct rpc_fault *fault);

#endif

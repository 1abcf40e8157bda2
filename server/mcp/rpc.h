#ifndef SERVER_MCP_RPC_H
#define SERVER_MCP_RPC_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* Reading and writing of JSON-RPC 2.0 envelopes.  Independent of methods and MCP. */

enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
};

/* The contents of an error response.  data is owned, or NULL. */
struct rpc_fault {
	int code;
	json_t *data;
	char text[512];
};
/* Returns false, so that a check can `return rpc_fault(...)`.  Takes data (NULL: none). */
bool rpc_fault(struct rpc_fault *fault, int code, json_t *data, const char *fmt, ...) PRINTF(4, 5);

enum rpc_kind {
	RPC_REQUEST,
	RPC_NOTIFICATION,
	RPC_RESPONSE,
	RPC_INVALID,
};

/* One message; all members are borrowed from the JSON it was read from. */
struct rpc_message {
	const json_t *id; /* a string or an integer; NULL: absent or invalid */
	const char *method;
	const json_t *params; /* an object; NULL if absent, null or [] */
};

#define RPC_ID_MAX \
	256 /* bytes of a string id, which is repeated in every message about the request */

/* Returns NULL and a fault if text is not JSON. */
json_t *rpc_parse(const char *text, size_t len, struct rpc_fault *fault);
/*
 * Reads the id of a request that rpc_parse() refused, because the sender waits for a response with
 * that id.  NULL if this is impossible, or if the message may be a response, which has an id of the
 * server.
 */
json_t *rpc_rescue_id(const char *text, size_t len);
/* RPC_INVALID sets fault; the id is set if it is readable. */
enum rpc_kind rpc_read(const json_t *in, struct rpc_message *ret, struct rpc_fault *fault);
bool rpc_is_id(const json_t *value);

/* Each appends one message and takes nothing.  An id of NULL omits the member. */
void rpc_write_result(struct buf *out, const json_t *id, const json_t *result);
void rpc_write_fault(struct buf *out, const json_t *id, const struct rpc_fault *fault);
void rpc_write_request(struct buf *out, const json_t *id, const char *method, const json_t *params);
void rpc_write_notification(struct buf *out, const char *method, const json_t *params);

#endif

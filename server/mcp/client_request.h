#ifndef SERVER_MCP_CLIENT_REQUEST_H
#define SERVER_MCP_CLIENT_REQUEST_H

#include "server/mcp/session.h"
#include "tools/call/call.h"

/*
 * Client requests: what the server asks a client (elicitation, sampling, roots) while it processes
 * the client's request.  Legacy: JSON-RPC requests on the same connection (client_request.c).
 * Modern: the response contains the client requests, and the client repeats its request with the
 * answers (client_request_stateless.c).
 */

/* answers: {key: result} with all keys, valid during the call; or NULL and the error. */
typedef void client_request_fn(const json_t *answers, const struct err *why, void *data);

/*
 * Takes the params.  fn is called at most once, immediately or later, while the request is pending.
 * If it is never called, the request was answered without it.
 */
void client_request_send(struct request *request, const struct call_client_request *client_requests,
	size_t n, client_request_fn *fn, void *data);
bool client_request_is_supported(
	const struct request *request, const struct call_client_request *client_request);

/* ---- between these files ---- */

#define CLIENT_REQUEST_LIFE_S 3600 /* an unanswered client request expires */

/* Modern: true and *ret_answers, an object to be released; or false, and the request is
 * answered. */
bool client_request_round(struct request *request,
	const struct call_client_request *client_requests, size_t n, json_t **ret_answers);

/* client_response.c: the three kinds of client requests. */

/* The capability that the client must have declared, in its form: {"elicitation": {"form": {}}}. */
json_t *client_request_capability(const struct call_client_request *client_request);
bool client_request_declared(
	const json_t *capabilities, const struct call_client_request *client_request);
/* Whether all of them are declared; the error names one that is not. */
bool client_request_all_declared(const json_t *capabilities,
	const struct call_client_request *client_requests, size_t n, struct err *err) NODISCARD;
/* Checks a response to this client request. */
bool client_request_check(
	const struct call_client_request *client_request, const json_t *answer, struct err *err);

#endif

#ifndef SERVER_MCP_CLIENT_REQUEST_H
#define SERVER_MCP_CLIENT_REQUEST_H

#include "server/mcp/session.h"
#include "tools/call.h"

/*
 * What the server asks of a client while a request of the client's is in flight.  Legacy: requests
 * of ours, on the connection of the client's (client_request.c).  Modern: the request itself is answered with
 * the questions, and comes again with the answers (client_request_stateless.c).
 */

/* answers: {key: result} with every key that was asked, valid during the call; or NULL and why. */
typedef void client_request_fn(const json_t *answers, const struct err *why, void *data);

/*
 * Takes the questions' params.  fn fires at most once, at once or later, while the request is still
 * to be answered; when it never does, the request was answered without it.
 */
void request_ask_client(struct request *request, const struct call_question *questions, size_t n,
	client_request_fn *fn, void *data);
bool request_can_ask(const struct request *request, const struct call_question *question);

/* ---- between these files ---- */

#define CLIENT_REQUEST_LIFE_S 3600 /* a question nobody answers is over */

/* Modern: true and *ret_answers, an object to be released; or false, and the request is answered.
 */
bool client_request_round(struct request *request, const struct call_question *questions, size_t n,
	json_t **ret_answers);

/* client_response.c: the three kinds of questions. */

/* What the client must have declared, as it would: {"elicitation": {"form": {}}}. */
json_t *client_request_capability(const struct call_question *question);
bool client_request_declared(const json_t *capabilities, const struct call_question *question);
/* Is it an answer to this question? */
bool client_request_check(
	const struct call_question *question, const json_t *answer, struct err *err);

#endif

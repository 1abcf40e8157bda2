/*
 * Client requests in modern revisions take rounds.  In each round the client's request runs from
 * its start.  Answers come with the request (params.inputResponses, and those of earlier rounds in
 * params.requestState).  If any are missing, the request is answered with the missing client
 * requests.  The server keeps no state in between: requestState is signed, and valid for one
 * principal, method and set of params.
 */
#include "server/mcp/client_request.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

#define STATE_MAX (256u << 10) /* bytes of answers in requestState */

/* What the state is bound to. */
static void write_context(const struct request *request, struct buf *out)
{
	json_auto_t *params = json_copy((json_t *)request->params);
	json_object_del(params, "_meta");
	json_object_del(params, "inputResponses");
	json_object_del(params, "requestState");
	auto_free char *text = must(json_dumps(params, JSON_SORT_KEYS | JSON_COMPACT));
	buf_printf(out, "%s %s ", request->owner, request->method->name);
	buf_append(out, text, strlen(text));
}

static json_int_t now_s(void)
{
	return (json_int_t)(loop_now_us() / 1000000);
}

/* ---- reading ---- */

static bool open_state(struct request *request, const json_t *state, struct rpc_fault *fault)
{
	auto_buf struct buf context = { 0 };
	write_context(request, &context);
	const char *signed_state = json_string_value(state);
	const char *text = signed_state ? signed_state_open(&request->server->state_key, &context,
						  signed_state)
					: NULL;
	json_auto_t *inside = text ? json_loads(text, 0, NULL) : NULL;
	if (!inside) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params.requestState must be returned unchanged, with the same params; "
			"to start over, send the request without it");
	}
	if (json_integer_value(json_object_get(inside, "expires")) < now_s()) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params.requestState has expired; to start over, send the request without "
			"it");
	}
	request->answers = json_incref(json_object_get(inside, "answers"));
	return true;
}

/* The answers of earlier rounds, and of earlier client requests in this one. */
static bool need_answers(struct request *request, struct rpc_fault *fault)
{
	const json_t *state = json_object_get(request->params, "requestState");
	const json_t *responses = json_object_get(request->params, "inputResponses");
	if (request->answers) {
		return true;
	}
	if (responses && !json_is_object(responses)) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params.inputResponses must be an object with an answer for each key of "
			"inputRequests");
	}
	if (state) {
		return open_state(request, state, fault);
	}
	request->answers = json_object();
	return true;
}

/* Only requested answers are kept. */
static bool take_response(struct request *request, const struct call_client_request *client_request,
	struct rpc_fault *fault)
{
	const json_t *responses = json_object_get(request->params, "inputResponses");
	json_t *response = json_object_get(responses, client_request->key);
	struct err err;
	if (!response || json_object_get(request->answers, client_request->key)) {
		return true;
	}
	if (!client_request_check(client_request, response, &err)) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL, "params.inputResponses.%s: %s",
			client_request->key, err.text);
	}
	json_object_set(request->answers, client_request->key, response);
	return true;
}

/* ---- writing ---- */

static json_t *make_state(struct request *request, struct rpc_fault *fault)
{
	json_auto_t *inside = json_pack("{s:I, s:O}", "expires", now_s() + CLIENT_REQUEST_LIFE_S,
		"answers", request->answers);
	auto_free char *text = must(json_dumps(inside, JSON_COMPACT));
	if (strlen(text) > STATE_MAX) {
		rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"the answers in params.inputResponses exceed %u bytes in total; "
			"send shorter ones",
			STATE_MAX);
		return NULL;
	}
	auto_buf struct buf context = { 0 };
	write_context(request, &context);
	auto_free char *signed_state =
		signed_state_make(&request->server->state_key, &context, text);
	return json_string(signed_state);
}

static bool check_capabilities(const struct request *request,
	const struct call_client_request *client_requests, size_t n, struct rpc_fault *fault)
{
	json_auto_t *needed = json_object();
	for (size_t i = 0; i < n; i++) {
		if (!client_request_is_supported(request, &client_requests[i])) {
			json_auto_t *need = client_request_capability(&client_requests[i]);
			json_object_update_recursive(needed, need);
		}
	}
	if (json_object_size(needed) == 0) {
		return true;
	}
	return rpc_fault(fault, MCP_MISSING_CAPABILITY,
		json_pack("{s:O}", "requiredCapabilities", needed),
		"the client lacks a required capability; data.requiredCapabilities has what "
		"clientCapabilities lacks");
}

/* The unanswered client requests, by key. */
static json_t *open_client_requests(
	const struct request *request, const struct call_client_request *client_requests, size_t n)
{
	json_t *open = json_object();
	for (size_t i = 0; i < n; i++) {
		const struct call_client_request *client_request = &client_requests[i];
		if (!json_object_get(request->answers, client_request->key)) {
			json_object_set_new(open, client_request->key,
				json_pack("{s:s, s:O*}", "method", client_request->method, "params",
					client_request->params));
		}
	}
	return open;
}

static bool fail(struct request *request, const struct rpc_fault *fault)
{
	request_fail(request, fault->code, fault->data, "%s", fault->text);
	return false;
}

static bool ask_again(struct request *request, json_t *open, struct rpc_fault *fault)
{
	json_t *state = make_state(request, fault);
	if (!state) {
		json_decref(open);
		return fail(request, fault);
	}
	request_reply(request, json_pack("{s:s, s:o, s:o}", "resultType", "input_required",
				       "inputRequests", open, "requestState", state));
	return false;
}

bool client_request_round(struct request *request,
	const struct call_client_request *client_requests, size_t n, json_t **ret_answers)
{
	struct rpc_fault fault;
	if (!request->server) {
		rpc_fault(&fault, RPC_INTERNAL_ERROR, NULL, "the server is shutting down");
		return fail(request, &fault);
	}
	bool good = check_capabilities(request, client_requests, n, &fault) &&
		    need_answers(request, &fault);
	for (size_t i = 0; good && i < n; i++) {
		good = take_response(request, &client_requests[i], &fault);
	}
	if (!good) {
		return fail(request, &fault);
	}
	json_t *open = open_client_requests(request, client_requests, n);
	if (json_object_size(open) > 0) {
		return ask_again(request, open, &fault);
	}
	json_decref(open);
	*ret_answers = json_object();
	for (size_t i = 0; i < n; i++) {
		json_object_set(*ret_answers, client_requests[i].key,
			json_object_get(request->answers, client_requests[i].key));
	}
	return true;
}

/*
 * Client requests in legacy revisions: each one is a JSON-RPC request on the connection of the
 * client's request; the response may arrive on any connection.  A set of client requests ends when
 * all are answered, at the first invalid or error response, or with its request.
 */
#include "server/mcp/client_request.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

struct client_request {
	int64_t id; /* 0: answered */
	char *key, *method;
	json_t *params;
};

struct client_requests {
	LIST_ENTRY(client_requests) link;
	struct request *request;
	client_request_fn *fn;
	void *data;
	json_t *answers;
	sd_event_source *timer;
	size_t n, open;
	struct client_request client_requests[];
};

/* ---- the end ---- */

static void withdraw(struct client_requests *requests, const char *reason)
{
	for (size_t i = 0; i < requests->n; i++) {
		if (requests->client_requests[i].id) {
			conn_notify(requests->request->conn, "notifications/cancelled",
				json_pack("{s:I, s:s}", "requestId",
					(json_int_t)requests->client_requests[i].id, "reason",
					reason));
		}
	}
}

static void requests_free(struct client_requests *requests)
{
	LIST_REMOVE(requests, link);
	requests->request->client_requests = NULL;
	loop_drop(&requests->timer);
	for (size_t i = 0; i < requests->n; i++) {
		free(requests->client_requests[i].key);
		free(requests->client_requests[i].method);
		json_decref(requests->client_requests[i].params);
	}
	json_decref(requests->answers);
	free(requests);
}

/* The request may be gone when this returns. */
static void end(struct client_requests *requests, const struct err *why)
{
	json_auto_t *answers = json_incref(requests->answers);
	client_request_fn *fn = requests->fn;
	void *data = requests->data;
	if (why) {
		withdraw(requests, why->text);
	}
	requests_free(requests);
	fn(why ? NULL : answers, why, data);
}

void client_request_cancel(struct request *request)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the request was cancelled");
	end(request->client_requests, &err);
}

void client_request_end_all(struct session *session)
{
	struct client_requests *requests;
	struct err err;
	err_set(&err, ERR_GONE, "the client has closed its input and cannot respond");
	while ((requests = LIST_FIRST(&session->client_requests))) {
		end(requests, &err);
	}
}

void client_request_drop(struct request *request)
{
	withdraw(request->client_requests, "the response is no longer needed");
	requests_free(request->client_requests);
}

static int on_late(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct client_requests *requests = data;
	struct err err;
	err_set(&err, ERR_TIMEOUT, "the client did not respond to %s within %d s",
		requests->client_requests[0].method, CLIENT_REQUEST_LIFE_S);
	end(requests, &err);
	return 0;
}

/* ---- sending ---- */

static void send_request(struct client_requests *requests, struct client_request *client_request,
	const struct call_client_request *from)
{
	auto_buf struct buf message = { 0 };
	*client_request = (struct client_request){
		.id = ++requests->request->server->last_client_request,
		.key = must(strdup(from->key)),
		.method = must(strdup(from->method)),
		.params = from->params,
	};
	json_auto_t *id = json_integer(client_request->id);
	rpc_write_request(&message, id, client_request->method, client_request->params);
	conn_send(requests->request->conn, &message);
}

static bool check(const struct request *request, const struct call_client_request *client_requests,
	size_t n, struct err *err)
{
	if (request->cancelled || !request->server) {
		return err_set(err, ERR_CANCELLED, "the request was cancelled");
	}
	if (request->conn->kind == TRANSPORT_DUPLEX && request->conn->ending) {
		return err_set(
			err, ERR_GONE, "the client has closed its input and cannot be asked");
	}
	if (!conn_streams(request->conn)) {
		return err_set(err, ERR_UNSUPPORTED,
			"the client cannot be asked: the Accept header of its request must list "
			"text/event-stream");
	}
	if (request->client_requests) {
		return err_set(err, ERR_STATE, "another client request of this call is pending");
	}
	return client_request_all_declared(
		mcp_client_capabilities(request), client_requests, n, err);
}

static void send_requests(struct request *request,
	const struct call_client_request *client_requests, size_t n, client_request_fn *fn,
	void *data)
{
	struct err err;
	if (!check(request, client_requests, n, &err)) {
		for (size_t i = 0; i < n; i++) {
			json_decref(client_requests[i].params);
		}
		fn(NULL, &err, data);
		return;
	}
	struct client_requests *requests =
		must(calloc(1, sizeof(*requests) + n * sizeof(requests->client_requests[0])));
	requests->request = request;
	requests->fn = fn;
	requests->data = data;
	requests->answers = json_object();
	requests->n = requests->open = n;
	requests->timer = loop_after_ms(
		request->server->event, CLIENT_REQUEST_LIFE_S * 1000ull, on_late, requests);
	request->client_requests = requests;
	LIST_INSERT_HEAD(&request->session->client_requests, requests, link);
	for (size_t i = 0; i < n; i++) {
		send_request(requests, &requests->client_requests[i], &client_requests[i]);
	}
}

/* ---- responses ---- */

static struct client_request *find(
	const struct session *session, json_int_t id, struct client_requests **ret_requests)
{
	struct client_requests *requests;
	LIST_FOREACH(requests, &session->client_requests, link)
	{
		for (size_t i = 0; i < requests->n; i++) {
			if (requests->client_requests[i].id == id) {
				*ret_requests = requests;
				return &requests->client_requests[i];
			}
		}
	}
	return NULL;
}

static bool read_response(
	const struct client_request *client_request, const json_t *message, struct err *err)
{
	const json_t *error = json_object_get(message, "error");
	if (error) {
		const char *text = json_string_value(json_object_get(error, "message"));
		return err_set(err, ERR_STATE, "the client answered %s with an error: %.200s",
			client_request->method, text ? text : "no reason given");
	}
	const struct call_client_request asked = { client_request->key, client_request->method,
		client_request->params };
	return client_request_check(&asked, json_object_get(message, "result"), err);
}

void client_request_take_response(struct session *session, const json_t *id, const json_t *message)
{
	struct client_requests *requests;
	struct client_request *client_request =
		json_integer_value(id) > 0 ? find(session, json_integer_value(id), &requests)
					   : NULL;
	if (!client_request) {
		return; /* too late, or unknown */
	}
	struct err err;
	client_request->id = 0;
	if (!read_response(client_request, message, &err)) {
		end(requests, &err);
		return;
	}
	json_object_set(requests->answers, client_request->key, json_object_get(message, "result"));
	if (--requests->open == 0) {
		end(requests, NULL);
	}
}

/* ---- both eras ---- */

bool client_request_is_supported(
	const struct request *request, const struct call_client_request *client_request)
{
	return client_request_declared(mcp_client_capabilities(request), client_request);
}

void client_request_send(struct request *request, const struct call_client_request *client_requests,
	size_t n, client_request_fn *fn, void *data)
{
	if (request->revision->era == MCP_LEGACY) {
		send_requests(request, client_requests, n, fn, data);
		return;
	}
	json_t *answers;
	bool answered = client_request_round(request, client_requests, n, &answers);
	for (size_t i = 0; i < n; i++) {
		json_decref(client_requests[i].params);
	}
	if (answered) {
		fn(answers, NULL, data);
		json_decref(answers);
	}
}

/*
 * One JSON-RPC request in flight.  Its method runs it, and it is answered exactly once, immediately
 * or later.  It outlives its connection; a response without a connection is dropped.
 */
#include "server/mcp/session.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "server/mcp/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void leave_room(struct request *request)
{
	if (request->admitted) {
		request->admitted = false;
		request->session->calls--;
		request->session->principal->calls--;
		if (request->server) {
			request->server->calls--;
		}
	}
}

static void request_free(struct request *request)
{
	LIST_REMOVE(request, link);
	loop_drop(&request->beat);
	turn_leave(&request->turn);
	leave_room(request);
	request->session->leaving -= request->leaving;
	if (request->on_end) {
		request->on_end(request->on_end_data); /* the listener may still read the message */
	}
	conn_close_request(request->conn);
	json_decref(request->message);
	json_decref(request->answers);
	free(request);
}

/* Sends the response or passes it to the batch, and ends the request. */
static void finish(struct request *request, const struct buf *message)
{
	if (request->client_requests) {
		client_request_drop(request);
	}
	if (request->batch) {
		batch_add(request->batch, request->cancelled ? NULL : message);
	} else if (!request->cancelled) {
		conn_answer(request->conn, message);
	}
	request_free(request);
}

static void fail(struct request *request, const struct rpc_fault *fault)
{
	auto_buf struct buf message = { 0 };
	rpc_write_fault(&message, request->id, fault);
	json_decref(fault->data);
	if (!request->batch) {
		conn_set_status(request->conn,
			mcp_http_status(request->revision, fault->code, request->method));
	}
	finish(request, &message);
}

void request_fail(struct request *request, int code, json_t *data, const char *fmt, ...)
{
	struct rpc_fault fault = { .code = code, .data = data };
	va_list args;
	va_start(args, fmt);
	vsnprintf(fault.text, sizeof(fault.text), fmt, args);
	va_end(args);
	fail(request, &fault);
}

static void finish_result(const struct request *request, json_t *result)
{
	mcp_finish_result(request->revision, result, request->method->ttl_ms);
}

void request_reply(struct request *request, json_t *result)
{
	auto_buf struct buf message = { 0 };
	if (!request->cancelled) {
		finish_result(request, must(result));
		rpc_write_result(&message, request->id, result);
	}
	json_decref(result);
	finish(request, &message);
}

void request_start(
	struct conn *conn, struct batch *batch, json_t *message, const struct rpc_message *msg)
{
	struct request *request = must(calloc(1, sizeof(*request)));
	struct session *session = conn->session;
	request->conn = conn;
	request->session = session;
	request->server = session->server;
	request->owner = session->owner;
	request->vms = session->server->options.vms;
	request->message = json_incref(message);
	request->id = msg->id;
	request->params = msg->params;
	request->log_level = -1;
	request->step = request->progress_sent = -1;
	request->batch = batch;
	LIST_INSERT_HEAD(&session->requests, request, link);
	conn_open_request(conn);
	if (batch) {
		batch_expect(batch);
	}
	struct rpc_fault fault;
	if (mcp_read(request, msg->method, &fault)) {
		request->method->run(request);
	} else {
		fail(request, &fault);
	}
}

struct request *request_find(struct session *session, const json_t *id)
{
	struct request *request;
	LIST_FOREACH(request, &session->requests, link)
	{
		if (!request->cancelled && json_equal(request->id, id)) {
			return request;
		}
	}
	return NULL;
}

#define LEAVING_MAX 64

static bool has_room(const struct request *request, struct err *err)
{
	const struct server_options *options = &request->server->options;
	const struct principal *principal = request->session->principal;
	if (request->server->finishing) {
		return err_set(err, ERR_STATE, "the server is shutting down; call again later");
	}
	if ((int64_t)request->session->calls >= options->max_calls) {
		return err_set(err, ERR_LIMIT,
			"%lld call%s in flight on this connection, which is the limit; "
			"wait until one ends, then call again",
			(long long)options->max_calls, options->max_calls == 1 ? " is" : "s are");
	}
	if (request->session->leaving >= LEAVING_MAX) {
		return err_set(err, ERR_LIMIT,
			"%d cancelled calls have not ended yet; call again in a second",
			LEAVING_MAX);
	}
	if (principal->max_calls > 0 && (int64_t)principal->calls >= principal->max_calls) {
		return err_set(err, ERR_LIMIT,
			"you have %lld call%s in flight over all connections, which "
			"is the limit; wait until one ends, then call again",
			(long long)principal->max_calls, principal->max_calls == 1 ? "" : "s");
	}
	return true;
}

static void arm_beat(struct request *request);

bool request_admit(struct request *request, struct err *err)
{
	if (!has_room(request, err)) {
		conn_set_header(request->conn, "Retry-After", "1");
		return false;
	}
	request->admitted = true;
	request->session->calls++;
	request->session->principal->calls++;
	request->server->calls++;
	request->began = loop_now_us();
	snprintf(request->doing, sizeof(request->doing), "%s", request->method->name);
	arm_beat(request);
	return true;
}

/* ---- progress ---- */

#define BEAT_MS 5000 /* clients abandon a call without progress after a minute, or less */

static bool is_followed(const struct request *request)
{
	return request->progress_token && !request->cancelled;
}

/* 3 rather than 3.0, the usual form of steps. */
static json_t *number(double value)
{
	return value == (double)(int)value ? json_integer((int)value) : json_real(value);
}

static void send_progress(struct request *request, double progress, const char *message)
{
	request->progress_sent = progress;
	if (!conn_listens(request->conn)) {
		return;
	}
	json_t *params = json_pack("{s:O, s:o}", "progressToken", request->progress_token,
		"progress", number(progress));
	if (request->total > 0) {
		json_object_set_new(params, "total", number(request->total));
	}
	if (message && mcp_progress_has_message(request->revision)) {
		json_object_set_new(params, "message", json_text(message));
	}
	conn_notify(request->conn, "notifications/progress", params);
}

/* Between two steps: increasing, but always less than the next whole step. */
static int on_beat(sd_event_source *source, uint64_t now, void *data)
{
	struct request *request = data;
	double step = request->step < 0 ? 0 : request->step;
	unsigned n = ++request->beats;
	char text[192];
	(void)source, (void)now;
	snprintf(text, sizeof(text), "%s (%llu s)",
		request->describe ? request->describe(request->describe_data) : request->doing,
		(unsigned long long)(loop_now_us() - request->began) / 1000000);
	send_progress(request, step + (double)n / (n + 1), text);
	arm_beat(request);
	return 0;
}

static void arm_beat(struct request *request)
{
	unsigned ms = request->server ? request->server->options.beat_ms : 0;
	loop_drop(&request->beat);
	if (request->server && is_followed(request)) {
		request->beat =
			loop_after_ms(request->server->event, ms ? ms : BEAT_MS, on_beat, request);
	}
}

void request_progress(struct request *request, double step, double total, const char *message)
{
	if (!is_followed(request) || step <= request->progress_sent) {
		return;
	}
	request->step = step;
	request->total = total;
	request->beats = 0;
	if (message) {
		snprintf(request->doing, sizeof(request->doing), "%s", message);
	}
	send_progress(request, step, message);
	arm_beat(request);
}

void request_describe(struct request *request, const char *(*describe)(void *data), void *data)
{
	request->describe = describe;
	request->describe_data = data;
}

void request_on_cancel(struct request *request, void (*fn)(void *data), void *data)
{
	request->on_cancel = fn;
	request->on_cancel_data = data;
	if (request->cancelled) {
		request_cancel(request);
	}
}

void request_cancel(struct request *request)
{
	if (request->admitted) { /* the client may send the next request immediately */
		leave_room(request);
		request->leaving = true;
		request->session->leaving++;
	}
	request->cancelled = true;
	loop_drop(&request->beat);
	void (*fn)(void *) = take_ptr(&request->on_cancel);
	if (fn) {
		fn(request->on_cancel_data); /* may answer, which frees the request */
	} else if (request->client_requests) {
		client_request_cancel(request);
	}
}

static void write_refusal(struct buf *out, struct request *request, const struct err *why)
{
	struct rpc_fault fault;
	if (request->method->refusal) {
		json_auto_t *result = request->method->refusal(why);
		finish_result(request, result);
		rpc_write_result(out, request->id, result);
	} else {
		rpc_fault(&fault, RPC_INTERNAL_ERROR, NULL, "%s", why->text);
		rpc_write_fault(out, request->id, &fault);
	}
}

void request_abort(struct request *request, const struct err *why)
{
	auto_buf struct buf message = { 0 };
	struct batch *batch = take_ptr(&request->batch);
	write_refusal(&message, request, why);
	if (batch) {
		batch_add(batch, &message);
	} else {
		conn_answer(request->conn, &message);
	}
	request_cancel(request);
}

const char *request_text(struct request *request, const char *name)
{
	const json_t *value = json_object_get(request->params, name);
	if (!json_is_string(value)) {
		request_fail(request, RPC_INVALID_PARAMS, NULL, "params.%s must be a string%s",
			name, value ? "" : "; it is missing");
		return NULL;
	}
	return json_string_value(value);
}

bool request_logs(const struct request *request, enum mcp_level level)
{
	if (!conn_listens(request->conn) || request->cancelled) {
		return false;
	}
	if (request->revision->era == MCP_MODERN) {
		return request->log_level >= 0 && (int)level >= request->log_level;
	}
	return (int)level >= request->session->log_level;
}

/*
 * A request from its head to its response.  libmicrohttpd calls when the head is complete, for each
 * part of the body, and at the end.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"

#include <string.h>

#define DISCARD_MAX (64u << 10) /* bytes of a body that are read only to send the response */
#define BODY_RATE 64            /* minimum bytes per ms of a body */
#define BODY_STEP (64u << 10)   /* bytes reserved at once for a body of unknown length */

/* MHD accepts no response in the middle of a body, so it is written directly. */
static enum MHD_Result too_long(struct http_exchange *x)
{
	x->http->counts.rejected_size++;
	http_send_raw(x, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
			 "Content-Length: 0\r\n\r\n");
	return MHD_NO;
}

static enum MHD_Result no_room(struct http_exchange *x)
{
	x->http->counts.rejected_memory++;
	http_send_raw(x, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"
			 "Connection: close\r\nContent-Length: 0\r\n\r\n");
	return MHD_NO;
}

/* A Content-Length was reserved with the head; without one, memory is reserved as bytes arrive. */
static bool has_room(struct http_exchange *x)
{
	size_t wanted = (x->received + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
	return x->received <= x->body_held || http_hold(x, &x->body_held, wanted);
}

static enum MHD_Result take_body(struct http_exchange *x, const char *data, size_t len)
{
	const struct http_options *options = &x->http->options;
	x->received += len;
	x->http->counts.bytes_in += len;
	if (x->answered) {
		return x->received > DISCARD_MAX ? MHD_NO : MHD_YES;
	}
	if (x->received > http_most(x)) {
		return too_long(x);
	}
	if (!has_room(x)) {
		return no_room(x);
	}
	buf_append(&x->body, data, len);
	http_conn_deadline(x->conn,
		x->began + ((uint64_t)options->header_timeout_ms + x->received / BODY_RATE) * 1000);
	return MHD_YES;
}

/* Whether a refusal can wait for the end of the body.  A client that is still writing when the
 * connection is closed may never receive the response. */
static bool can_wait(const struct http_exchange *x)
{
	const char *length = http_header(x, "Content-Length");
	return !x->hasty && !http_header(x, "Expect") &&
	       (!length || strtoull(length, NULL, 10) <= DISCARD_MAX);
}

static enum MHD_Result pass_answer(struct http_exchange *x)
{
	struct MHD_Response *response = take_ptr(&x->response);
	buf_done(&x->body);
	budget_set(x->budget, &x->body_held, 0);
	enum MHD_Result r = MHD_queue_response(x->conn->mhd, x->status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result begin(struct http_conn *conn, const char *method, const char *target,
	const char *version, void **ret_x)
{
	struct http_exchange *x = *ret_x = http_exchange_new(conn);
	x->began = http_now(conn->http);
	x->is_old = strcmp(version, "HTTP/1.1") != 0;
	conn->http->counts.requests++;
	http_conn_deadline(conn, x->began + (uint64_t)conn->http->options.header_timeout_ms * 1000);
	return http_admit(x, method, target, version) || can_wait(x) ? MHD_YES : pass_answer(x);
}

/* MHD calls this when a head is complete, for each part of the body, at its end, and whenever an
 * exchange without a response is resumed. */
enum MHD_Result http_on_request(void *data, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len, void **own)
{
	struct http_exchange *x = *own;
	struct http_conn *conn =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	(void)data;
	conn->http->futile_runs = 0;
	if (conn->http->ending) {
		return MHD_NO;
	}
	if (!x) {
		return begin(conn, method, url, version, own);
	}
	if (x->gone) {
		return MHD_NO;
	}
	if (*upload_len > 0) {
		size_t len = *upload_len;
		*upload_len = 0;
		return take_body(x, upload, len);
	}
	http_conn_deadline(conn, UINT64_MAX);
	if (!x->answered && !x->started) {
		x->started = true;
		x->route->run(x, x->route->data);
	}
	if (x->response) {
		return pass_answer(x);
	}
	return http_exchange_suspend(x) ? MHD_YES : MHD_NO;
}

void http_on_completed(
	void *data, struct MHD_Connection *mhd, void **own, enum MHD_RequestTerminationCode why)
{
	struct http_exchange *x = take_ptr((struct http_exchange **)own);
	(void)data;
	(void)mhd;
	(void)why;
	if (!x) {
		return;
	}
	struct http_conn *conn = x->conn;
	http_exchange_free(x);
	http_conn_idle(conn);
	http_notify_idle(conn->http);
}

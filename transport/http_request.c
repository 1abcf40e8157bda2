/*
 * A request, from its head to its answer: libmicrohttpd calls when the head is complete, for each
 * part of the body, and when all of it is there.
 */
#include "transport/http_impl.h"

#include "base/cleanup.h"

#include <string.h>

#define DISCARD_MAX (64u << 10) /* bytes of a body that is read only to answer in peace */
#define BODY_RATE 16            /* bytes a ms that a body has to come at */

static enum MHD_Result too_long(struct http_exchange *x)
{
	/* MHD takes no answer in the middle of a body, so this one goes round it. */
	static const char answer[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
				     "Content-Length: 0\r\n\r\n";
	x->http->counts.rejected_size++;
	if (!x->http->tls) {
		ssize_t ignored =
			send(x->conn->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)ignored;
	}
	return MHD_NO;
}

static enum MHD_Result take_body(struct http_exchange *x, const char *data, size_t len)
{
	const struct http_options *options = &x->http->options;
	x->received += len;
	x->http->counts.bytes_in += len;
	if (x->answered) {
		return x->received > DISCARD_MAX ? MHD_NO : MHD_YES;
	}
	if (x->received > (size_t)options->max_body) {
		return too_long(x);
	}
	buf_append(&x->body, data, len);
	http_conn_deadline(x->conn,
		x->began + ((uint64_t)options->header_timeout_ms + x->received / BODY_RATE) * 1000);
	return MHD_YES;
}

/* Whether a refusal can wait for the end of the body: a client that is still writing when the
 * connection is closed may never see the answer. */
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
	enum MHD_Result r = MHD_queue_response(x->conn->mhd, x->status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result begin(
	struct http_conn *conn, const char *method, const char *path, void **ret_x)
{
	struct http_exchange *x = *ret_x = http_exchange_new(conn);
	x->began = http_now(conn->http);
	conn->http->counts.requests++;
	http_conn_deadline(conn, x->began + (uint64_t)conn->http->options.header_timeout_ms * 1000);
	return http_gate(x, method, path) || can_wait(x) ? MHD_YES : pass_answer(x);
}

/* What MHD calls when a head is complete, for each part of the body, at its end, and whenever an
 * exchange without an answer is resumed. */
enum MHD_Result http_on_request(void *data, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len, void **own)
{
	struct http_exchange *x = *own;
	struct http_conn *conn =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	(void)data;
	(void)version;
	conn->http->futile_runs = 0;
	if (conn->http->ending) {
		return MHD_NO;
	}
	if (!x) {
		return begin(conn, method, url, own);
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
	http_tell_idle(conn->http);
}

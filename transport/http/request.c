/*
 * A request from its head to its response.  libmicrohttpd calls when the head is complete, for each
 * part of the body, and at the end.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"

#include <string.h>

static enum MHD_Result begin(struct http_conn *conn, const char *method, const char *target,
	const char *version, void **ret_x)
{
	struct http_exchange *x = *ret_x = http_exchange_new(conn);
	x->began = http_now(conn->http);
	x->target = take_ptr(&conn->target);
	x->is_old = strcmp(version, "HTTP/1.1") != 0;
	conn->http->counts.requests++;
	http_conn_deadline(conn, x->began + (uint64_t)conn->http->options.header_timeout_ms * 1000);
	if (http_admit(x, method, target, version) && x->route->streams_body) {
		x->started = x->in_head = true;
		x->route->run(x, x->route->data);
		x->in_head = false;
	}
	return !x->status || http_body_is_near(x) ? MHD_YES : http_exchange_pass(x);
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
		return http_body_part(x, upload, upload_len);
	}
	http_body_end(x);
	if (x->early) {
		return MHD_NO; /* the response was sent */
	}
	if (x->status) {
		return http_exchange_pass(x);
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

/*
 * Responses that begin before the request's body has come.  libmicrohttpd cannot send them, so they are
 * written here, to the socket, while libmicrohttpd goes on reading the body.  The connection closes
 * afterwards.  What is left of the body is then read for a while, because a client that is still
 * writing when the connection is closed may never receive the response.
 */
#include "transport/http/http_impl.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PIECE (64u << 10) /* bytes that TLS encrypts at once */

static bool has_length(const struct http_exchange *x)
{
	return x->length >= 0;
}

static void write_head(struct http_exchange *x, struct buf *out, unsigned status)
{
	const struct http_answer_header *header;
	buf_printf(out, "HTTP/1.1 %u %s\r\nConnection: close\r\n", status,
		MHD_get_reason_phrase_for(status));
	if (has_length(x) && status != 204) {
		buf_printf(out, "Content-Length: %lld\r\n", (long long)x->length);
	} else if (x->framed) {
		buf_printf(out, "Transfer-Encoding: chunked\r\n");
	}
	for (header = x->headers; header; header = header->next) {
		if (!strpbrk(header->value, "\r\n") &&
			strcasecmp(header->name, "Connection") != 0) {
			buf_printf(out, "%s: %s\r\n", header->name, header->value);
		}
	}
	buf_printf(out, "\r\n");
}

/* http_direct_write() is called when the socket takes bytes, from the loop. */
void http_direct_arm(struct http_exchange *x)
{
	sd_event_source_set_io_events(x->conn->hangup, EPOLLRDHUP | EPOLLOUT | EPOLLET);
}

bool http_direct_is_possible(const struct http_exchange *x)
{
	const char *length = http_header(x, "Content-Length");
	bool has_body = http_header(x, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
	/* With "Expect", libmicrohttpd can answer instead of its interim response. */
	return has_body && !x->complete && !(x->in_head && http_header(x, "Expect"));
}

void http_direct_begin(struct http_exchange *x, unsigned status)
{
	x->direct = true;
	x->status = 0;
	x->framed = !has_length(x) && !x->is_old && !x->is_events;
	write_head(x, &x->queue, status);
	x->ended = x->length == 0;
	http_conn_deadline(x->conn, UINT64_MAX);
	MHD_set_connection_option(x->conn->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	http_direct_arm(x);
}

/* With a known length, its last byte ends the response. */
void http_direct_append(struct http_exchange *x, const void *bytes, size_t len)
{
	if (x->framed) {
		buf_printf(&x->queue, "%zx\r\n", len);
	}
	buf_append(&x->queue, bytes, len);
	if (x->framed) {
		buf_append(&x->queue, "\r\n", 2);
	}
	if (has_length(x)) {
		x->length -= (int64_t)len < x->length ? (int64_t)len : x->length;
		x->ended = x->length == 0;
	}
}

void http_direct_end(struct http_exchange *x)
{
	if (x->framed) {
		buf_printf(&x->queue, "0\r\n\r\n");
	}
	http_direct_arm(x);
}

static void finish(struct http_exchange *x)
{
	if (!x->http->tls) {
		shutdown(x->conn->fd, SHUT_WR);
	}
	http_body_linger(x);
	http_exchange_resume(x);
}

/* False: the socket takes no more now, or has failed, which is reported otherwise. */
static bool send_queue(struct http_exchange *x)
{
	size_t left;
	while ((left = x->queue.len - x->taken) > 0) {
		ssize_t n = http_upgraded_send(
			x, x->queue.data + x->taken, left < PIECE ? left : PIECE, false);
		if (n <= 0) {
			return false;
		}
		http_stream_sent(x, (size_t)n);
	}
	return http_upgraded_flush(x);
}

void http_direct_write(struct http_exchange *x)
{
	if (x->gone || x->early || !send_queue(x)) {
		return;
	}
	http_stream_tell_drained(x);
	if (!x->gone && x->ended && x->queue.len == x->taken) {
		finish(x);
	}
}

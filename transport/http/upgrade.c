/*
 * Connections that switch from HTTP to another protocol (WebSocket).  For libmicrohttpd such a
 * connection is suspended, so it does not touch the socket.  It is read and written here, through
 * the TLS session if it has one, and finally resumed to be closed.
 *
 * libmicrohttpd's own upgrade (MHD_create_response_for_upgrade) passes a pair of sockets if TLS is
 * used and copies through buffers in the rest of the request's memory: a dozen bytes.  Data that a
 * client sends before it has received the response is lost in libmicrohttpd's buffer; RFC 6455
 * forbids sending it.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>

static gnutls_session_t tls_of(const struct http_exchange *x)
{
	if (!x->http->tls) {
		return NULL;
	}
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->conn->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info ? info->tls_session : NULL;
}

/* ---- start ---- */

static void write_head(struct http_exchange *x, struct buf *out)
{
	const struct http_answer_header *header;
	buf_printf(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n");
	for (header = x->headers; header; header = header->next) {
		if (!strpbrk(header->value, "\r\n")) {
			buf_printf(out, "%s: %s\r\n", header->name, header->value);
		}
	}
	buf_printf(out, "\r\n");
}

/* It is suspended now. */
static int on_take_over(sd_event_source *source, void *data)
{
	struct http_exchange *x = data;
	auto_buf struct buf head = { 0 };
	(void)source;
	loop_drop(&x->take_over);
	if (!x->suspended) { /* the client has disconnected, which ended the exchange */
		return 0;
	}
	/* readers detect the end, and epoll accepts a descriptor only once */
	loop_drop(&x->conn->hangup);
	x->http->counts.upgraded++;
	x->is_upgraded = true;
	if (!x->headless) {
		write_head(x, &head);
	}
	if (head.len > 0 &&
		http_upgraded_send(x, head.data, head.len, false) != (ssize_t)head.len) {
		http_exchange_lose(x); /* it is small and still does not fit */
		return 0;
	}
	x->upgraded(x, x->conn->fd, x->upgraded_data);
	return 0;
}

void http_upgrade_now(struct http_exchange *x)
{
	x->take_over = loop_defer(x->http->event, on_take_over, x);
}

static void take_over(struct http_exchange *x, bool headless, http_upgraded_fn *fn, void *data)
{
	if (x->answered || x->gone) {
		return;
	}
	x->answered = true;
	x->headless = headless;
	x->upgraded = fn;
	x->upgraded_data = data;
	if (x->complete) {
		http_upgrade_now(x);
	}
}

void http_upgrade(struct http_exchange *x, http_upgraded_fn *fn, void *data)
{
	take_over(x, false, fn, data);
}

void http_take_over(struct http_exchange *x, http_upgraded_fn *fn, void *data)
{
	take_over(x, true, fn, data);
}

void http_upgrade_forget(struct http_exchange *x)
{
	loop_drop(&x->take_over);
	if (x->is_upgraded) {
		x->is_upgraded = false;
		x->http->counts.upgraded--;
	}
}

void http_upgrade_end(struct http_exchange *x)
{
	x->gone = true;
	http_upgrade_forget(x);
	http_exchange_resume(x);
}

/* ---- data ---- */

static ssize_t tls_result(ssize_t n)
{
	if (n >= 0) {
		return n;
	}
	errno = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? EAGAIN : EPIPE;
	return -1;
}

ssize_t http_upgraded_recv(struct http_exchange *x, void *to, size_t len)
{
	gnutls_session_t tls = tls_of(x);
	return tls ? tls_result(gnutls_record_recv(tls, to, len))
		   : recv(x->conn->fd, to, len, MSG_DONTWAIT);
}

bool http_upgraded_has_more(const struct http_exchange *x)
{
	gnutls_session_t tls = tls_of(x);
	return tls && gnutls_record_check_pending(tls) > 0;
}

/* GnuTLS buffers data until its record was written.  more delays the write, so that a head and its
 * payload become one record. */
static ssize_t tls_send(
	struct http_exchange *x, gnutls_session_t tls, const void *bytes, size_t len, bool more)
{
	if (!http_upgraded_flush(x)) {
		errno = errno == EAGAIN ? EAGAIN : EPIPE;
		return -1;
	}
	gnutls_record_cork(tls);
	ssize_t n = tls_result(gnutls_record_send(tls, bytes, len));
	if (!more) {
		x->corked = true;
		if (!http_upgraded_flush(x) && errno != EAGAIN) {
			return -1;
		}
	}
	return n;
}

bool http_upgraded_flush(struct http_exchange *x)
{
	if (x->corked) {
		x->corked = tls_result(gnutls_record_uncork(tls_of(x), 0)) < 0;
	}
	return !x->corked;
}

ssize_t http_upgraded_send(struct http_exchange *x, const void *bytes, size_t len, bool more)
{
	gnutls_session_t tls = tls_of(x);
	if (tls) {
		return tls_send(x, tls, bytes, len, more);
	}
	return send(x->conn->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
}

bool http_send_raw(struct http_exchange *x, const void *bytes, size_t len)
{
	gnutls_session_t tls = tls_of(x);
	return (tls ? gnutls_record_send(tls, bytes, len)
		    : send(x->conn->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT)) == (ssize_t)len;
}

bool http_is_same_origin(const struct http_exchange *x)
{
	const char *origin = http_header(x, "Origin");
	return !origin || http_origin_is_same(&x->http->names, http_header(x, "Host"), origin);
}

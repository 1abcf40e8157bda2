/*
 * Connects a viewer's socket and a pipe to its desktop.  The desktop's greeting is dropped, because
 * the login (vnc_login.c) has already sent one.  Each side is read no faster than the other one
 * accepts data.
 */
#include "transport/rfb/vnc_impl.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PATIENCE_MS 60000 /* for a user who types a password */
#define CLOSING_MS 5000
#define READ_MAX 16384
#define READS_MAX 16 /* per iteration of the loop */

static void read_on(struct vnc_viewer *v);

/* ---- end ---- */

static void drop_pipe(struct vnc_viewer *v)
{
	const struct stream_pipe *ops = take_ptr(&v->ops);
	if (ops) {
		ops->close(v->pipe);
	}
}

void viewer_free(struct vnc_viewer *v)
{
	LIST_REMOVE(v, link);
	v->vnc->count--;
	drop_pipe(v);
	if (v->let_in) {
		v->vnc->handlers->closed(v->data);
	}
	loop_drop(&v->io);
	loop_drop(&v->deadline);
	loop_drop(&v->ending);
	if (v->tls) {
		gnutls_bye(v->tls, GNUTLS_SHUT_WR); /* as far as the socket accepts it */
		gnutls_deinit(v->tls);
	}
	close(v->fd);
	buf_done(&v->in);
	buf_done(&v->out);
	buf_done(&v->to_pipe);
	buf_done(&v->greeting);
	free(v);
}

static int on_ending(sd_event_source *source, void *data)
{
	(void)source;
	viewer_free(data);
	return 0;
}

void viewer_end(struct vnc_viewer *v)
{
	if (!v->over) {
		v->over = true;
		loop_drop(&v->io);
		v->ending = loop_defer(v->vnc->event, on_ending, v);
	}
}

void vnc_kick(struct vnc_viewer *v)
{
	drop_pipe(v);
	viewer_end(v);
}

/* ---- the socket ---- */

static void watch(struct vnc_viewer *v)
{
	bool reads = !v->closing && v->to_pipe.len == 0;
	if (v->io) {
		sd_event_source_set_io_events(
			v->io, (reads ? EPOLLIN : 0) | (v->out.len > 0 ? EPOLLOUT : 0));
	}
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	viewer_end(data);
	return 0;
}

static void set_deadline(struct vnc_viewer *v, uint64_t ms)
{
	loop_drop(&v->deadline);
	v->deadline = loop_after_ms(v->vnc->event, ms, on_deadline, v);
}

/* Returns a result like gnutls: bytes, 0 at the end, GNUTLS_E_AGAIN, or another error. */
static ssize_t plain_result(ssize_t n)
{
	return n >= 0                              ? n
	       : errno == EAGAIN || errno == EINTR ? GNUTLS_E_AGAIN
						   : GNUTLS_E_PUSH_ERROR;
}

static bool is_later(ssize_t result)
{
	return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

void viewer_flush(struct vnc_viewer *v)
{
	size_t written = 0;
	while (written < v->out.len && !v->over) {
		const uint8_t *at = v->out.data + written;
		size_t len = v->out.len - written;
		ssize_t n = login_speaks_tls(v) ? gnutls_record_send(v->tls, at, len)
						: plain_result(send(v->fd, at, len, MSG_NOSIGNAL));
		if (n > 0) {
			written += (size_t)n;
		} else if (is_later(n)) {
			break;
		} else {
			viewer_end(v);
			return;
		}
	}
	buf_consume(&v->out, written);
	size_t reported = written < v->owed ? written : v->owed;
	v->owed -= reported;
	if (reported > 0 && v->ops) {
		v->ops->consumed(v->pipe, reported);
	}
	if (v->closing && v->out.len == 0) {
		viewer_end(v);
	}
	watch(v);
}

void viewer_send(struct vnc_viewer *v, const void *bytes, size_t len)
{
	if (v->over) {
		return;
	}
	buf_append(&v->out, bytes, len);
	viewer_flush(v);
}

void viewer_say_u32(struct vnc_viewer *v, uint32_t value)
{
	bytes_append_u32(&v->out, value);
}

void viewer_close_after_output(struct vnc_viewer *v)
{
	if (!v->over) {
		v->closing = true;
		set_deadline(v, CLOSING_MS);
		viewer_flush(v);
	}
}

/* ---- the pipe ---- */

void viewer_write_pipe(struct vnc_viewer *v)
{
	if (v->ops && v->to_pipe.len > 0) {
		buf_consume(&v->to_pipe, v->ops->write(v->pipe, v->to_pipe.data, v->to_pipe.len));
	}
	watch(v);
}

void vnc_pipe_writable(struct vnc_viewer *v)
{
	viewer_write_pipe(v);
	if (v->to_pipe.len == 0 && !v->over) {
		read_on(v); /* TLS may hold bytes for which the socket is not readable */
	}
}

/* Version, list of security types, result: their length in bytes; 0: incomplete. */
static size_t greeting_length(const struct buf *greeting)
{
	size_t types = greeting->len > 12 ? greeting->data[12] : 0;
	size_t whole = 12 + 1 + types + 4;
	return greeting->len > 12 && greeting->len >= whole ? whole : 0;
}

/* True if the bytes after it are for the viewer. */
static bool swallow(struct vnc_viewer *v, const void *bytes, size_t len, size_t *ret_swallowed)
{
	size_t before = v->greeting.len;
	buf_append(&v->greeting, bytes, len);
	size_t whole = greeting_length(&v->greeting);
	if (whole == 0) {
		*ret_swallowed = len;
		return false;
	}
	v->greeted = true;
	*ret_swallowed = whole - before;
	buf_done(&v->greeting);
	return *ret_swallowed < len;
}

void vnc_pipe_data(struct vnc_viewer *v, const void *bytes, size_t len)
{
	size_t swallowed = 0;
	if (!v->greeted) {
		bool more = swallow(v, bytes, len, &swallowed);
		v->ops->consumed(v->pipe, swallowed);
		if (!more) {
			return;
		}
	}
	v->owed += len - swallowed;
	viewer_send(v, (const uint8_t *)bytes + swallowed, len - swallowed);
}

void vnc_pipe_ended(struct vnc_viewer *v)
{
	v->ops = NULL;
	viewer_close_after_output(v);
}

void vnc_attach(struct vnc_viewer *v, const struct stream_pipe *ops, void *pipe)
{
	v->ops = ops;
	v->pipe = pipe;
}

/* ---- input ---- */

static void feed(struct vnc_viewer *v, const uint8_t *bytes, size_t len)
{
	while (len > 0 && !v->over && !v->closing) {
		if (login_is_over(v)) {
			buf_append(&v->to_pipe, bytes, len);
			viewer_write_pipe(v);
			return;
		}
		bool was_plain = !login_speaks_tls(v);
		size_t n = login_feed(v, bytes, len);
		bytes += n;
		len -= n;
		if (was_plain && login_speaks_tls(v) && len > 0) {
			viewer_end(v); /* data sent in the clear must not be treated as encrypted */
		}
	}
}

/* ---- reading ---- */

static bool shake_hands(struct vnc_viewer *v)
{
	int r = gnutls_handshake(v->tls);
	if (r == GNUTLS_E_SUCCESS) {
		v->shaken = true;
		return true;
	}
	if (!is_later(r) && gnutls_error_is_fatal(r)) {
		log_info("TLS error of a VNC viewer: %s", gnutls_strerror(r));
		viewer_end(v);
	}
	return false;
}

static void read_on(struct vnc_viewer *v)
{
	uint8_t bytes[READ_MAX];
	for (int i = 0; i < READS_MAX && !v->over && !v->closing && v->to_pipe.len == 0; i++) {
		if (login_speaks_tls(v) && !v->shaken && !shake_hands(v)) {
			return;
		}
		ssize_t n = login_speaks_tls(v)
				    ? gnutls_record_recv(v->tls, bytes, sizeof(bytes))
				    : plain_result(recv(v->fd, bytes, sizeof(bytes), 0));
		if (n > 0) {
			feed(v, bytes, (size_t)n);
		} else if (is_later(n)) {
			return;
		} else {
			vnc_kick(v);
		}
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct vnc_viewer *v = data;
	(void)source;
	(void)fd;
	if (events & EPOLLOUT) {
		viewer_flush(v);
	}
	/* Reported repeatedly, whether reading is enabled or not. */
	bool is_gone = events & (EPOLLHUP | EPOLLERR) && (v->closing || v->to_pipe.len > 0);
	if (!v->over && is_gone) {
		vnc_kick(v);
	} else if (!v->over && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		read_on(v);
	}
	return 0;
}

/* ---- start ---- */

void viewer_new(struct vnc *vnc, int fd)
{
	struct vnc_viewer *v = must(calloc(1, sizeof(*v)));
	v->vnc = vnc;
	v->fd = fd;
	LIST_INSERT_HEAD(&vnc->viewers, v, link);
	vnc->count++;
	v->io = loop_add_io(vnc->event, fd, EPOLLIN, on_io, v);
	set_deadline(v, PATIENCE_MS);
	viewer_send(v, VNC_HELLO, strlen(VNC_HELLO));
}

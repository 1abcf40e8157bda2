/*
 * `port_connect`: joins a conversation with a TCP connection.  Each direction ends by itself.  The
 * socket is read only when the host has taken what was read before, and the host gets credit only for
 * what the socket has taken, so each direction holds at most a window.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CHUNK (64u << 10)

struct port {
	struct request *req;
	sd_event *event;
	sd_event_source *source; /* of the socket, which it owns */
	unsigned number;
	size_t next; /* address to try */
	bool connected, announced;
	bool host_ended, peer_ended; /* nothing more comes from it */
	bool shut;                   /* the program was told that the host has ended */
	bool deaf;                   /* the program takes no more bytes */
	struct buf in;               /* from the host, for the socket */
	size_t out_at, out_len;      /* of `out`: not taken by the host */
	char out[CHUNK];
};

/* ---- the end ---- */

static void finish(struct port *p, const struct err *why)
{
	struct request *req = p->req;
	loop_drop(&p->source);
	buf_done(&p->in);
	free(p);
	if (why) {
		request_fail(req, why);
	} else {
		request_reply(req, NULL, NULL, 0);
	}
}

static void finish_broken(struct port *p)
{
	struct err err;
	err_errno(&err, "the connection to port %u", p->number);
	finish(p, &err);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the connection was closed");
	finish(data, &err);
}

/* ---- bytes ---- */

static int socket_of(const struct port *p)
{
	return sd_event_source_get_io_fd(p->source);
}

static bool must_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void hand_out(struct port *p)
{
	size_t n = request_write(p->req, 0, p->out + p->out_at, p->out_len);
	p->out_at += n;
	p->out_len -= n;
}

/* False: the connection has failed. */
static bool read_some(struct port *p)
{
	ssize_t n = recv(socket_of(p), p->out, sizeof(p->out), 0);
	if (n == 0) {
		p->peer_ended = true;
		request_close_write(p->req);
	} else if (n > 0) {
		p->out_at = 0;
		p->out_len = (size_t)n;
		hand_out(p);
	}
	return n >= 0 || must_wait();
}

/* A program may stop reading and still write. */
static void write_some(struct port *p)
{
	ssize_t n = send(socket_of(p), p->in.data, p->in.len, MSG_NOSIGNAL);
	p->deaf = n < 0 && !must_wait();
	size_t done = p->deaf ? p->in.len : n > 0 ? (size_t)n : 0;
	buf_consume(&p->in, done);
	request_consumed(p->req, done);
}

static void announce(struct port *p)
{
	p->announced = p->announced || request_send(p->req, &message_port_connected, NULL);
}

/* What the socket is watched for; it is not watched at all for nothing, because a closed one would
 * report that for ever. */
static void watch(struct port *p)
{
	uint32_t events = (p->peer_ended || p->out_len ? 0 : EPOLLIN) | (p->in.len ? EPOLLOUT : 0);
	if (events) {
		sd_event_source_set_io_events(p->source, events);
	}
	loop_enable(p->source, events != 0);
}

static void proceed(struct port *p)
{
	if (p->host_ended && !p->in.len && !p->shut) {
		p->shut = true;
		shutdown(socket_of(p), SHUT_WR);
	}
	if (p->shut && p->peer_ended && !p->out_len) {
		finish(p, NULL);
	} else {
		watch(p);
	}
}

static void exchange(struct port *p)
{
	if (p->in.len) {
		write_some(p);
	}
	if (!p->peer_ended && !p->out_len && !read_some(p)) {
		finish_broken(p);
	} else {
		proceed(p);
	}
}

/* ---- the host ---- */

static void on_data(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct port *p = data;
	(void)channel;
	if (p->deaf) {
		request_consumed(p->req, len);
		return;
	}
	bool queued = p->in.len > 0 || !p->connected;
	buf_append(&p->in, bytes, len);
	if (!queued) {
		write_some(p);
		proceed(p);
	}
}

static void on_writable(void *data)
{
	struct port *p = data;
	announce(p);
	hand_out(p);
	if (p->connected) {
		proceed(p);
	}
}

static void on_ended(void *data)
{
	struct port *p = data;
	p->host_ended = true;
	if (p->connected) {
		proceed(p);
	}
}

static const struct request_talk talk = {
	.data = on_data,
	.writable = on_writable,
	.ended = on_ended,
};

/* ---- connecting ---- */

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *data);

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* The size of an address, in the order in which they are tried; 0: there are no more. */
static socklen_t fill_address(size_t i, unsigned port, union address *ret)
{
	*ret = (union address){ 0 };
	if (i == 0) {
		ret->in4.sin_family = AF_INET;
		ret->in4.sin_port = htons((uint16_t)port);
		ret->in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(ret->in4);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons((uint16_t)port);
	ret->in6.sin6_addr = in6addr_loopback;
	return i == 1 ? sizeof(ret->in6) : 0;
}

/* Of one address.  False, with errno: it cannot be reached. */
static bool try_address(struct port *p, const union address *to, socklen_t size)
{
	auto_close int fd =
		socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || (connect(fd, &to->any, size) < 0 && errno != EINPROGRESS)) {
		return false;
	}
	p->source = loop_add_io(p->event, fd, EPOLLOUT, on_socket, p);
	if (p->source) { /* otherwise the loop has ended */
		sd_event_source_set_io_fd_own(p->source, true);
		take_fd(&fd);
	}
	return true;
}

/* why: the errno of the address before; of one that refuses, or whose kind the sandbox lacks, it is
 * that nothing listens there. */
static void fail_to_connect(struct port *p, int why)
{
	struct err err;
	if (why == ECONNREFUSED || why == EAFNOSUPPORT || why == EADDRNOTAVAIL ||
		why == ENETUNREACH) {
		err_set(&err, ERR_NOT_FOUND, "no program in the sandbox listens on port %u",
			p->number);
	} else {
		errno = why;
		err_errno(&err, "cannot connect to port %u", p->number);
	}
	finish(p, &err);
}

static void connect_next(struct port *p, int why)
{
	union address to;
	for (;;) {
		socklen_t size = fill_address(p->next++, p->number, &to);
		if (size == 0) {
			return fail_to_connect(p, why);
		}
		if (try_address(p, &to, size)) {
			return;
		}
		why = errno;
	}
}

static void take_result(struct port *p)
{
	int why = 0;
	getsockopt(socket_of(p), SOL_SOCKET, SO_ERROR, &why, &(socklen_t){ sizeof(why) });
	if (why) {
		loop_drop(&p->source);
		connect_next(p, why);
		return;
	}
	p->connected = true;
	setsockopt(socket_of(p), IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	announce(p);
	exchange(p);
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct port *p = data;
	(void)source, (void)fd, (void)events;
	if (p->connected) {
		exchange(p);
	} else {
		take_result(p);
	}
	return 0;
}

static void run(struct request *req, const void *data)
{
	const struct msg_port_connect *args = data;
	struct port *p = must(calloc(1, sizeof(*p)));
	struct err err;
	p->req = req;
	p->event = request_agent(req)->event;
	p->number = (unsigned)args->port;
	if (request_converse(req, &talk, p, &err)) {
		request_on_cancel(req, on_cancel, p);
		connect_next(p, 0);
	} else {
		finish(p, &err);
	}
}

const struct op op_port_connect = {
	.message = &message_port_connect,
	.run = run,
};

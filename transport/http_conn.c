/*
 * Connections: accepted here and given to libmicrohttpd, so that those beyond a cap still get an
 * answer, and watched for what it does not see: a head or a body that takes too long, and a client
 * that goes away while its request is being worked on.
 *
 * The latter is a socket's EPOLLRDHUP.  It also comes from a client that only shuts down its
 * writing side and goes on reading, and the two cannot be told apart without writing to it.  Both
 * count as gone: MCP wants a request cancelled when its stream is closed, and keys that stay held
 * down are worse than an answer that a client of that rare kind does not get.  nginx and Go do the
 * same.
 */
#include "transport/http_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>

#define ACCEPTS_A_TURN 32
#define ACCEPT_AGAIN_MS 100
#define HUNG_MS 1000
#define BUSY_MS 2000 /* for a request that will be refused */

/* ---- how many an address has ---- */

struct http_peer {
	LIST_ENTRY(http_peer) link;
	struct in6_addr address;
	int64_t count;
};

/* An IPv6 host owns a /64 at least, so that is what counts as one address. */
static struct in6_addr address_of(const struct sockaddr_storage *from)
{
	struct in6_addr address = { 0 };
	if (from->ss_family == AF_INET6) {
		address = ((const struct sockaddr_in6 *)from)->sin6_addr;
		if (!IN6_IS_ADDR_V4MAPPED(&address)) {
			memset(address.s6_addr + 8, 0, 8);
		}
	} else {
		const struct sockaddr_in *v4 = (const void *)from;
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
		memcpy(address.s6_addr + 12, &v4->sin_addr, 4);
	}
	return address;
}

static struct http_peers *bucket_of(struct http *http, const struct in6_addr *address)
{
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(address->s6_addr); i++) {
		sum = sum * 31 + address->s6_addr[i];
	}
	return &http->peers[sum % HTTP_PEER_BUCKETS];
}

static struct http_peer *count_peer(struct http *http, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_UNIX || http->options.behind_proxy) {
		return NULL;
	}
	struct in6_addr address = address_of(from);
	struct http_peers *bucket = bucket_of(http, &address);
	struct http_peer *peer;
	LIST_FOREACH(peer, bucket, link)
	{
		if (memcmp(&peer->address, &address, sizeof(address)) == 0) {
			break;
		}
	}
	if (!peer) {
		peer = must(calloc(1, sizeof(*peer)));
		peer->address = address;
		LIST_INSERT_HEAD(bucket, peer, link);
	}
	peer->count++;
	return peer;
}

static void uncount_peer(struct http_peer *peer)
{
	if (peer && --peer->count == 0) {
		LIST_REMOVE(peer, link);
		free(peer);
	}
}

/* ---- coming ---- */

static void admit(struct http *http, int fd, const struct sockaddr_storage *from, socklen_t len)
{
	const struct http_options *options = &http->options;
	if (http->counts.connections >= options->max_connections + HTTP_SPARE_CONNECTIONS) {
		http->counts.rejected_busy++;
		close(fd);
		return;
	}
	struct http_conn *conn = must(calloc(1, sizeof(*conn)));
	conn->http = http;
	conn->fd = fd;
	conn->local = from->ss_family == AF_UNIX;
	conn->peer = count_peer(http, from);
	conn->busy = http->counts.connections >= options->max_connections ||
		     (conn->peer && conn->peer->count > options->max_connections_per_address);
	http->arriving = conn;
	MHD_add_connection(http->daemon, fd, (const void *)from, len);
	conn = take_ptr(&http->arriving);
	if (conn) { /* MHD did not want it */
		uncount_peer(conn->peer);
		free(conn);
	}
}

static int on_accept_again(sd_event_source *source, uint64_t usec, void *data)
{
	struct http *http = data;
	(void)source;
	(void)usec;
	for (int i = 0; i < http->sockets.n; i++) {
		loop_enable(http->listeners[i].source, true);
	}
	return 0;
}

/* No descriptor or no memory is left: the rest waits in the kernel's queue. */
static void accept_later(struct http *http)
{
	log_warning("cannot take more HTTP connections now: %s", strerror(errno));
	for (int i = 0; i < http->sockets.n; i++) {
		loop_enable(http->listeners[i].source, false);
	}
	sd_event_source_set_time(
		http->accept_later, http_now(http) + (uint64_t)ACCEPT_AGAIN_MS * 1000);
	sd_event_source_set_enabled(http->accept_later, SD_EVENT_ONESHOT);
}

static int on_connect(sd_event_source *source, int listener, uint32_t events, void *data)
{
	struct http *http = ((struct http_listener *)data)->http;
	(void)source;
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(listener, (void *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			admit(http, fd, &from, len);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			accept_later(http);
			break;
		} else if (errno == EAGAIN) {
			break;
		} /* else that client has gone already */
	}
	http_run(http);
	return 0;
}

void http_accept(struct http *http)
{
	/* Now, because the loop's first timer takes a descriptor. */
	http->accept_later = loop_after_ms(http->event, UINT64_MAX, on_accept_again, http);
	for (int i = 0; i < http->sockets.n; i++) {
		http->listeners[i].http = http;
		http->listeners[i].source = loop_add_io(http->event, http->sockets.fds[i], EPOLLIN,
			on_connect, &http->listeners[i]);
	}
}

void http_stop_listening(struct http *http)
{
	for (int i = 0; i < http->sockets.n; i++) {
		loop_drop(&http->listeners[i].source);
	}
	loop_drop(&http->accept_later);
	http_sockets_close(&http->sockets);
}

/* ---- being there ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct http_conn *conn = data;
	(void)source;
	(void)usec;
	if (http_timer_is_due(conn->http, &conn->deadline)) {
		http_conn_kill(conn);
	}
	return 0;
}

void http_conn_deadline(struct http_conn *conn, uint64_t due)
{
	if (!conn->busy) { /* that one has its own */
		http_timer_set(conn->http, &conn->deadline, due, on_deadline, conn);
	}
}

void http_conn_idle(struct http_conn *conn)
{
	const struct http_options *options = &conn->http->options;
	/* MHD does not always see that a client has left: give what it has sent a moment. */
	int64_t ms = conn->hung ? HUNG_MS : options->idle_timeout_ms + options->header_timeout_ms;
	http_conn_deadline(conn, http_now(conn->http) + (uint64_t)ms * 1000);
}

void http_conn_kill(struct http_conn *conn)
{
	shutdown(conn->fd, SHUT_RDWR); /* MHD finds that out, and does the rest */
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct http_conn *conn = data;
	(void)source;
	(void)fd;
	(void)events;
	conn->hung = true;
	if (conn->x && conn->x->suspended) {
		http_exchange_lose(conn->x);
	} else if (!conn->x) {
		http_conn_idle(conn);
	}
	return 0;
}

bool http_conn_is_at(const struct http_conn *conn, const char *name)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	char own[HTTP_NAME_MAX];
	if (getsockname(conn->fd, (void *)&address, &len) < 0) {
		return false;
	}
	http_address_name(&address, own);
	return own[0] && strcmp(own, name) == 0;
}

/* ---- coming and going, as MHD tells it ---- */

static void begin(struct http *http, struct MHD_Connection *mhd, void **context)
{
	struct http_conn *conn = *context = take_ptr(&http->arriving);
	conn->mhd = mhd;
	http->counts.connections++;
	LIST_INSERT_HEAD(&http->conns, conn, link);
	/* Edge-triggered, for it stays true. */
	conn->hangup = loop_add_io(http->event, conn->fd, EPOLLRDHUP | EPOLLET, on_hangup, conn);
	uint64_t ms = conn->busy ? BUSY_MS : (uint64_t)http->options.header_timeout_ms;
	http_timer_set(http, &conn->deadline, http_now(http) + ms * 1000, on_deadline, conn);
}

static void end(struct http *http, struct http_conn *conn)
{
	loop_drop(&conn->hangup);
	loop_drop(&conn->deadline.source);
	uncount_peer(conn->peer);
	http->counts.connections--;
	LIST_REMOVE(conn, link);
	free(conn);
}

void http_on_conn(void *data, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		begin(data, mhd, context);
	} else {
		end(data, take_ptr((struct http_conn **)context));
	}
}

/*
 * Connections.  They are accepted here and passed to libmicrohttpd, so that those above a limit
 * still get a response.  This file also watches for what libmicrohttpd does not detect: a head or a
 * body that takes too long, and a client that disconnects while its request is being processed.
 *
 * The latter starts with EPOLLRDHUP.  A client that only shuts down its writing side and waits for
 * the response causes it, too, and the two can be distinguished only by writing: a closed socket
 * responds with a reset.  Therefore data without meaning is sent: a comment in a stream, an interim
 * response (100) before a response.  This is repeated, because a client that closes its reading
 * side later is not reported either.  HTTP/1.0 has no interim responses; there the end of sending
 * counts as a disconnect.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>

#define HUNG_MS 1000
#define BUSY_MS 2000 /* for a request that will be refused */
#define PROBE_MS 2000

/* ---- connections per address ---- */

struct http_peer {
	LIST_ENTRY(http_peer) link;
	struct in6_addr address;
	int64_t count, evicted; /* connections; of them, those being closed */
};

/* An IPv6 host has at least a /64, which therefore counts as one address. */
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
	/* All programs of this machine have the same address but are different clients. */
	if (http->options.behind_proxy || http_is_loopback(from)) {
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

/* ---- eviction ---- */

/* Whether closing it loses nothing.  A request without a token counts as nothing until it is
 * processed. */
static bool is_idle(const struct http_conn *conn)
{
	return !conn->busy && !conn->evicted && (!conn->x || (!conn->known && !conn->x->started));
}

/* Closes the connection that has been idle longest, those without a token first.  peer: only its
 * connections; NULL: any. */
static bool evict(struct http *http, const struct http_peer *peer)
{
	struct http_conn *conn, *oldest = NULL;
	TAILQ_FOREACH(conn, &http->conns, link)
	{
		if (is_idle(conn) && (!peer || conn->peer == peer) &&
			(!oldest || (oldest->known && !conn->known))) {
			oldest = conn;
		}
	}
	if (!oldest) {
		return false;
	}
	oldest->evicted = true;
	http->evicted++;
	if (oldest->peer) {
		oldest->peer->evicted++;
	}
	http_conn_kill(oldest);
	return true;
}

/* Whether one more connection is possible, after an eviction if necessary. */
static bool has_room(struct http *http, const struct http_peer *peer)
{
	const struct http_options *options = &http->options;
	bool fits = !peer || peer->count - peer->evicted <= options->max_connections_per_address ||
		    evict(http, peer);
	return fits && (http->counts.connections - http->evicted < options->max_connections ||
			       evict(http, NULL));
}

/* ---- accepting ---- */

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
	conn->busy = !has_room(http, conn->peer);
	http->arriving = conn;
	MHD_add_connection(http->daemon, fd, (const void *)from, len);
	conn = take_ptr(&http->arriving);
	if (conn) { /* MHD refused it */
		uncount_peer(conn->peer);
		free(conn);
	}
}

static void on_accepted(int fd, const struct sockaddr_storage *from, socklen_t len, void *data)
{
	admit(data, fd, from, len);
}

static void on_turned(void *data)
{
	http_run(data);
}

void http_accept(struct http *http)
{
	http->acceptor = (struct acceptor){
		.event = http->event,
		.sockets = &http->sockets,
		.what = "HTTP",
		.accepted = on_accepted,
		.turned = on_turned,
		.data = http,
	};
	acceptor_start(&http->acceptor);
}

void http_stop_listening(struct http *http)
{
	acceptor_stop(&http->acceptor);
	http_sockets_close(&http->sockets);
}

/* ---- monitoring ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct http_conn *conn = data;
	(void)source;
	(void)usec;
	if (http_timer_is_due(conn->http, &conn->deadline) &&
		!(conn->x && http_body_is_late(conn->x))) {
		http_conn_kill(conn);
	}
	return 0;
}

void http_conn_deadline(struct http_conn *conn, uint64_t due)
{
	if (!conn->busy) { /* an evicted one has a separate deadline */
		http_timer_set(conn->http, &conn->deadline, due, on_deadline, conn);
	}
}

void http_conn_idle(struct http_conn *conn)
{
	const struct http_options *options = &conn->http->options;
	/* MHD does not always detect that a client has disconnected.  Leave it a moment to read
	 * what was sent. */
	int64_t ms = conn->hung ? HUNG_MS : options->idle_timeout_ms + options->header_timeout_ms;
	http_conn_deadline(conn, http_now(conn->http) + (uint64_t)ms * 1000);
	TAILQ_REMOVE(&conn->http->conns, conn, link);
	TAILQ_INSERT_TAIL(&conn->http->conns, conn, link);
}

void http_conn_kill(struct http_conn *conn)
{
	shutdown(conn->fd, SHUT_RDWR); /* MHD detects this and closes the connection */
}

/* Writes data without meaning.  If the response is a reset, on_hangup() is called. */
static bool knock(struct http_exchange *x)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	if (x->streaming && x->is_events) {
		http_stream_ping(x);
		return true;
	}
	if (x->direct) {
		return http_stream_pending(x) > 0;
	}
	return !x->is_old && !x->streaming && http_send_raw(x, interim, sizeof(interim) - 1);
}

static int on_probe(sd_event_source *source, uint64_t usec, void *data);

static void probe_now(struct http_conn *conn)
{
	if (conn->lost || !knock(conn->x)) {
		http_exchange_lose(conn->x);
		return;
	}
	uint64_t next = http_now(conn->http) + PROBE_MS * UINT64_C(1000);
	http_timer_set(conn->http, &conn->probe, next, on_probe, conn);
}

/* The end of sending is reported once.  If libmicrohttpd did not read then, it would wait for more of
 * the body until the deadline.  It reads what it resumes. */
static void read_again(struct http_conn *conn)
{
	MHD_suspend_connection(conn->mhd);
	MHD_resume_connection(conn->mhd);
	http_poke(conn->http);
}

static int on_probe(sd_event_source *source, uint64_t usec, void *data)
{
	struct http_conn *conn = data;
	(void)source, (void)usec;
	if (!http_timer_is_due(conn->http, &conn->probe) || !conn->x) {
		return 0;
	}
	if (conn->x->suspended) {
		probe_now(conn);
	} else if (!conn->x->complete) {
		read_again(conn);
	}
	return 0;
}

void http_conn_probe(struct http_conn *conn)
{
	http_timer_set(conn->http, &conn->probe, http_now(conn->http), on_probe, conn);
}

void http_drop_owner(struct http *http, const char *owner)
{
	struct http_conn *conn;
	TAILQ_FOREACH(conn, &http->conns, link)
	{
		struct http_exchange *x = conn->x;
		if (x && x->owner && strcmp(x->owner, owner) == 0) {
			conn->known = false;
			x->gone = true;
			http_conn_kill(conn);
			if (x->suspended) {
				http_exchange_lose(x);
			}
		}
	}
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct http_conn *conn = data;
	(void)source;
	(void)fd;
	if (events & EPOLLOUT && conn->x && conn->x->direct) {
		http_direct_write(conn->x);
	}
	if (!(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
		return 0;
	}
	conn->hung = true;
	conn->lost = conn->lost || events & (EPOLLHUP | EPOLLERR);
	if (conn->x && conn->x->suspended) {
		probe_now(conn);
	} else if (conn->x) {
		http_conn_probe(conn);
	} else {
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

/* ---- MHD's notifications ---- */

static void begin(struct http *http, struct MHD_Connection *mhd, void **context)
{
	struct http_conn *conn = *context = take_ptr(&http->arriving);
	conn->mhd = mhd;
	http->counts.connections++;
	TAILQ_INSERT_TAIL(&http->conns, conn, link);
	/* Edge-triggered, because the condition persists. */
	conn->hangup = loop_add_io(http->event, conn->fd, EPOLLRDHUP | EPOLLET, on_hangup, conn);
	uint64_t ms = conn->busy ? BUSY_MS : (uint64_t)http->options.header_timeout_ms;
	http_timer_set(http, &conn->deadline, http_now(http) + ms * 1000, on_deadline, conn);
}

static void end(struct http *http, struct http_conn *conn)
{
	loop_drop(&conn->hangup);
	loop_drop(&conn->deadline.source);
	loop_drop(&conn->probe.source);
	if (conn->evicted) {
		http->evicted--;
	}
	if (conn->evicted && conn->peer) {
		conn->peer->evicted--;
	}
	uncount_peer(conn->peer);
	http->counts.connections--;
	TAILQ_REMOVE(&http->conns, conn, link);
	free(conn->target);
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

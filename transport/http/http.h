#ifndef TRANSPORT_HTTP_HTTP_H
#define TRANSPORT_HTTP_HTTP_H

#include "base/budget.h"
#include "base/err.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * The HTTP listener: libmicrohttpd inside the sd_event loop, without threads.  It checks each
 * request before its message is read (Host, Origin, token, sizes, rates) and passes exchanges to
 * routes. Streamable HTTP (transport/mcp/http_streamable.c), HTTP+SSE (transport/mcp/http_sse.c)
 * and the server's pages are routes.
 */

struct http;
struct http_exchange; /* one request and its response */

/* Numbers: 0 selects the default, in brackets. */
struct http_options {
	/* "127.0.0.1:8765", "[::1]:0" (any free port), "unix:PATH" (mode 0600), "systemd" */
	const char *listen;
	const char *tls_cert, *tls_key; /* PEM files; both or neither */
	/* A proxy terminates TLS: a non-loopback listener is allowed, and connections are not
	 * counted per address, because all of them come from the proxy. */
	bool behind_proxy;
	/* Comma-separated, in addition to the loopback names and the listening address.  The host
	 * "*.NAME" allows all names below NAME. */
	const char *allow_hosts, *allow_origins;
	int64_t max_body;                    /* in bytes [8 MiB] */
	int64_t max_connections;             /* [1024]; a few more are answered with 503 */
	int64_t max_connections_per_address; /* [256]; not for a unix socket */
	/* for the complete head of a request, and for a body slower than 64 KiB/s [10000] */
	int64_t header_timeout_ms;
	int64_t idle_timeout_ms; /* between requests, and for a client that reads nothing [60000] */
	int64_t keep_alive_ms;   /* of inactivity, then a stream gets a comment [25000] */
	int64_t ping_ms;         /* between a WebSocket's pings [5000] */
	/* Returns the principal of a bearer token, valid until the next call; NULL: refuse (401).
	 * token is NULL if there is none. */
	const char *(*authorize)(const char *token, void *data);
	/* Instead of authorize, for requests that name their principal otherwise: it can read the head
	 * of x.  NULL: unknown, so only open routes serve it. */
	const char *(*identify)(struct http_exchange *x, void *data);
	const char *resource_metadata; /* its path, for WWW-Authenticate (RFC 9728); NULL: none */
	/* Memory limits of bodies, responses and streams, per principal; "" is all clients without
	 * a token. Must outlive the http.  NULL: creates its own, with the limits below. */
	struct budgets *budgets;
	void *data;
};

#define HTTP_HELD_MAX (64u << 20)      /* bytes per principal */
#define HTTP_HELD_ALL_MAX (256u << 20) /* in total */

struct http_route {
	const char *method; /* "GET", "POST", "DELETE"; NULL: any */
	/* matches with and without a trailing slash; one that ends in a slash includes all paths
	 * below it; "": every path */
	const char *path;
	bool open; /* no token required; its body is limited to HTTP_SMALL_BODY bytes */
	/* The body is complete, unless the route streams it.  The handler must call http_reply() or
	 * begin a stream, now or later. */
	void (*run)(struct http_exchange *x, void *data);
	void *data;
	bool any_address; /* its Host may be any IP address, for probes */
	/* Of an open route, or NULL: whether this requester is known by other means than a token, and
	 * may send a body as large as those with one.  Only the head has come. */
	bool (*may_send_much)(const struct http_exchange *x, void *data);
	/* run() is called with the head.  The body, of any size and coding, waits until the handler
	 * takes it with http_receive(). */
	bool streams_body;
	/* Pages of all origins may send requests; the handler calls http_allow_any_origin() where they
	 * may also read the response. */
	bool any_origin;
};

/* Counters for metrics.  Bytes are those of bodies. */
struct http_counts {
	uint64_t requests, rejected_host, rejected_origin, rejected_auth, rejected_size,
		rejected_busy, rejected_memory, bytes_in, bytes_out;
	unsigned connections, streams, upgraded; /* current */
};

struct http *http_new(
	sd_event *event, const struct http_options *options, struct err *err) NODISCARD;
/* Copies the strings.  A path may have several methods. */
void http_add_route(struct http *http, const struct http_route *route);
/* Ends every exchange (their closed callbacks are called) and the listener.  Not from inside a
 * callback. NULL-safe. */
void http_free(struct http *http);
/* The listener's URL without a path: "http://127.0.0.1:8765", or "unix:PATH". */
const char *http_url(const struct http *http);
sd_event *http_event(const struct http *http); /* the loop it runs in */
/* Ends all exchanges of a principal.  Their closed callbacks are called now or soon, from the
 * loop. */
void http_drop_owner(struct http *http, const char *owner);
void http_stop_listening(struct http *http); /* no new connections; existing ones continue */
/* Calls fn once, from the loop, when no request is being processed and no stream is open. */
void http_on_idle(struct http *http, void (*fn)(void *data), void *data);
const struct http_counts *http_counts(const struct http *http);

/* ---- one exchange ---- */

const char *http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);
/* The path and the query as they were received, still encoded. */
const char *http_target(const struct http_exchange *x);
const char *http_query(const struct http_exchange *x, const char *name); /* NULL: absent */
/* The value without surrounding white space; NULL: absent.  Names ignore case.  Valid as long as
 * x. */
const char *http_header(const struct http_exchange *x, const char *name);
/* Calls fn for each header in their order, also for repeated ones. */
void http_each_header(const struct http_exchange *x,
	void (*fn)(const char *name, const char *value, void *data), void *data);
/* The base URL used by the client, from Host: "https://desk.example".  NULL: unknown.  Valid as
 * long as x. */
const char *http_base_url(struct http_exchange *x);
/* The principal, valid as long as x; NULL on an open route without a token. */
const char *http_owner(const struct http_exchange *x);
const char *http_body(const struct http_exchange *x, size_t *ret_len); /* NUL-terminated */
/* Frees the body.  Its size stays reserved until the response, for what was built from it. */
void http_forget_body(struct http_exchange *x);

/*
 * ---- a body in parts, on a route that streams bodies ----
 *
 * Returns how many of the bytes were taken.  If fewer than len, the client has to wait, and the rest
 * comes again after http_receive_more().  len 0: the body is complete.  A client that disconnects
 * before that is reported by http_on_closed() only.  The handler may answer at any time, also before
 * the end: a short rest of the body is then discarded, and if it is long, the connection closes after
 * the answer.
 */
typedef size_t http_part_fn(struct http_exchange *x, const void *bytes, size_t len, void *data);
void http_receive(struct http_exchange *x, http_part_fn *fn, void *data);
void http_receive_more(struct http_exchange *x);
/* Collects a body of at most max bytes and calls fn once; http_body() returns it.  A longer one is
 * answered with 413. */
void http_receive_all(struct http_exchange *x, size_t max,
	void (*fn)(struct http_exchange *x, void *data), void *data);

/* How a large body is parsed without blocking the loop. */
struct http_parser {
	/* runs in a thread; must access nothing else */
	void *(*parse)(const char *text, size_t len);
	/* Called from the loop. */
	void (*done)(struct http_exchange *x, void *result, void *data);
	void (*drop)(void *result); /* x has closed */
};
/* Takes x's body and copies parser.  done or drop is called once, later.  Principals take turns. */
void http_parse_body(struct http_exchange *x, const struct http_parser *parser, void *data);
void http_parse_forget(struct http_exchange *x); /* drop is called instead of done */
/* bodies of at least this size are worth a thread */
#define HTTP_LARGE_BODY (32u << 10)

/* Calls fn once, from the loop, when the client has disconnected or everything was sent.  x must
 * not be used afterwards.  A client that only shuts down its writing side stays connected (except
 * with HTTP/1.0). */
void http_on_closed(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data);
void http_set_header(struct http_exchange *x, const char *name, const char *value); /* copies */
/* Sends the complete response.  body is copied, type may be NULL.  Only the first call has an
 * effect.  The response must not be cached unless Cache-Control was set.  If the principal's budget
 * is exhausted, it becomes a 503. */
void http_reply(
	struct http_exchange *x, int status, const char *type, const void *body, size_t len);
/* An error response: a JSON-RPC error without an id. */
void http_refuse(struct http_exchange *x, int status, const char *fmt, ...) PRINTF(3, 4);

/* Allows pages of all origins to read the response.  True: x asked only for this (a preflight
 * request), and is answered. */
bool http_allow_any_origin(struct http_exchange *x) NODISCARD;

/*
 * ---- a response in parts ----
 *
 * length: of the whole body; -1: unknown.  HEAD and all statuses without a body send only the head.
 * A client that closes its side while nothing is left to send counts as disconnected.  A response may
 * begin before the request's body is complete: parts then travel both ways, the rest of the body is
 * discarded when the response ends, and the connection closes.
 */
void http_stream_begin(struct http_exchange *x, int status, const char *type, int64_t length);
/* Queues bytes; they are sent at once if the client reads.  A client with more than HTTP_STREAM_MAX
 * unread bytes is disconnected, and if a budget is exhausted, the one with the most. */
void http_stream_write(struct http_exchange *x, const void *bytes, size_t len);
/* Closes the connection in the middle of whatever it is doing, so the client notices that its
 * response is not complete. */
void http_stream_abort(struct http_exchange *x);

/* Starts an SSE stream (200, text/event-stream, X-Accel-Buffering: no).  Keep-alive comments are
 * sent automatically. */
void http_stream(struct http_exchange *x);
/* Queues one event; each argument may be NULL or 0.  Line breaks in data result in several data
 * lines. */
void http_stream_event(struct http_exchange *x, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms);
/* Bytes that are queued and not yet written to the socket. */
size_t http_stream_pending(const struct http_exchange *x);
/* Calls fn from the loop each time pending() has become 0. */
void http_stream_on_drained(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data);
/* After the queued data.  Not needed once all bytes of a known length were written. */
void http_stream_end(struct http_exchange *x);

#define HTTP_STREAM_MAX (32u << 20)
#define HTTP_SMALL_BODY (64u << 10)

/*
 * ---- protocol upgrade ----
 *
 * Responds with 101 and the headers set before, which name the protocol (Upgrade).  Then fn is
 * called from the loop.  fd may only be polled, until http_upgrade_end() or closed(); bytes are
 * read and written with the functions below, which handle TLS.  The connection still counts as one,
 * without timeouts.
 */
typedef void http_upgraded_fn(struct http_exchange *x, int fd, void *data);
void http_upgrade(struct http_exchange *x, http_upgraded_fn *fn, void *data);
/* The same without a response: fn gets the connection as it is after the request. */
void http_take_over(struct http_exchange *x, http_upgraded_fn *fn, void *data);
/* Like recv() and send() on a non-blocking socket; 0: the client has stopped sending.  more:
 * further data follows. */
ssize_t http_upgraded_recv(struct http_exchange *x, void *to, size_t len);
ssize_t http_upgraded_send(struct http_exchange *x, const void *bytes, size_t len, bool more);
/* Whether data can be read although fd is not readable. */
bool http_upgraded_has_more(const struct http_exchange *x);
/* Writes buffered data.  False: some is left (errno is EAGAIN if fd must be polled). */
bool http_upgraded_flush(struct http_exchange *x);
/* Closes the connection; closed() follows.  x must not be used for anything else. */
void http_upgrade_end(struct http_exchange *x);
/* Whether the page that sent this request, if any, is this server's own or of an explicitly allowed
 * origin, for requests that a browser sends with a cookie and without asking. */
bool http_is_same_origin(const struct http_exchange *x);

#endif

#ifndef TRANSPORT_HTTP_HTTP_H
#define TRANSPORT_HTTP_HTTP_H

#include "base/budget.h"
#include "base/err.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * The HTTP listener: libmicrohttpd inside the one sd_event loop, without threads.  Checks what
 * comes before any message (Host, Origin, token, sizes, rates) and hands exchanges to routes.
 * Streamable HTTP (transport/mcp/http_streamable.c) and HTTP+SSE (transport/mcp/http_sse.c) are routes; so are the pages the server adds.
 */

struct http;
struct http_exchange; /* one request and its answer */

/* 0 where a number is wanted: the value in brackets. */
struct http_options {
	/* "127.0.0.1:8765", "[::1]:0" (any free port), "unix:PATH" (mode 0600), "systemd" */
	const char *listen;
	const char *tls_cert, *tls_key; /* PEM files; both or neither */
	/* A proxy terminates TLS in front: a non-loopback listener is allowed, and connections are
	 * not counted per address, for all of them are the proxy's. */
	bool behind_proxy;
	/* Comma-separated, beside the loopback names and the address listened at. */
	const char *allow_hosts, *allow_origins;
	int64_t max_body;                    /* bytes [8 MiB] */
	int64_t max_connections;             /* [1024]; a few more are answered with 503 */
	int64_t max_connections_per_address; /* [256]; not for a unix socket */
	int64_t header_timeout_ms; /* for the whole head of a request, and for a body that does not
				      come at 64 KiB/s [10000] */
	int64_t idle_timeout_ms; /* between requests, and for a reader that takes nothing [60000] */
	int64_t keep_alive_ms;   /* of silence, then a stream gets a comment [25000] */
	/* The principal a bearer token belongs to, valid until the next call; NULL: refuse (401).
	 * token is NULL when none came. */
	const char *(*authorize)(const char *token, void *data);
	const char *resource_metadata; /* its path, for WWW-Authenticate (RFC 9728); NULL: none */
	/* What bodies, answers and streams may hold of memory, by principal; "" is all who have no
	 * token.  Must outlive the http.  NULL: some of its own, with the limits below. */
	struct budgets *budgets;
	void *data;
};

#define HTTP_HELD_MAX (64u << 20)      /* bytes, of one principal */
#define HTTP_HELD_ALL_MAX (256u << 20) /* of all of them */

struct http_route {
	const char *method; /* "GET", "POST", "DELETE"; NULL: any */
	const char *path;   /* with or without a slash behind it; one that ends in a slash has all
			       that is below it */
	bool open;          /* no token needed; a body is HTTP_SMALL_BODY bytes at most */
	/* The body is complete; ends in http_reply() or http_stream(), now or later. */
	void (*run)(struct http_exchange *x, void *data);
	void *data;
	bool any_address; /* its Host may be any IP address: for probes */
};

/* What was counted, for metrics.  Bytes are those of bodies. */
struct http_counts {
	uint64_t requests, rejected_host, rejected_origin, rejected_auth, rejected_size,
		rejected_busy, rejected_memory, bytes_in, bytes_out;
	unsigned connections, streams, upgraded; /* now */
};

struct http *http_new(
	sd_event *event, const struct http_options *options, struct err *err) NODISCARD;
/* Copies the strings too; a path may have several methods. */
void http_add_route(struct http *http, const struct http_route *route);
/* Ends every exchange (their closed callbacks fire) and the listener.  Not from inside a callback.
 * NULL-safe. */
void http_free(struct http *http);
/* Where it listens, as a URL without a path: "http://127.0.0.1:8765", or "unix:PATH". */
const char *http_url(const struct http *http);
sd_event *http_event(const struct http *http); /* the loop it runs in */
/* Ends all exchanges of a principal; their closed callbacks fire, now or soon.  From the loop. */
void http_drop_owner(struct http *http, const char *owner);
void http_stop_listening(struct http *http); /* no new connections; those there go on */
/* fn fires once, from the loop, when no request is being answered and no stream is open. */
void http_on_idle(struct http *http, void (*fn)(void *data), void *data);
const struct http_counts *http_counts(const struct http *http);

/* ---- one exchange ---- */

const char *http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);
const char *http_query(const struct http_exchange *x, const char *name); /* NULL: absent */
/* Without white space around it; NULL: absent.  Names ignore case.  Valid as long as x. */
const char *http_header(const struct http_exchange *x, const char *name);
/* How the client calls this server, from Host: "https://desk.example".  NULL: it does not say.
 * Valid as long as x. */
const char *http_base_url(struct http_exchange *x);
/* The principal, valid as long as x; NULL on an open route without a token. */
const char *http_owner(const struct http_exchange *x);
const char *http_body(const struct http_exchange *x, size_t *ret_len); /* NUL-ended */
/* It is not needed any more; until the answer it counts as held all the same, for what was made of
 * it. */
void http_forget_body(struct http_exchange *x);

/* What is made of a large body without holding the loop. */
struct http_parser {
	void *(*parse)(const char *text, size_t len); /* in a thread: touches nothing else */
	/* From the loop. */
	void (*done)(struct http_exchange *x, void *result, void *data);
	void (*drop)(void *result); /* x has closed */
};
/* Takes x's body, and copies parser; done or drop is called once, later.  Principals take turns. */
void http_parse_body(struct http_exchange *x, const struct http_parser *parser, void *data);
void http_parse_forget(struct http_exchange *x); /* drop instead of done */
#define HTTP_LARGE_BODY (32u << 10)              /* worth it from here on */

/* fn fires once, from the loop, when the client is gone or everything was sent; x must not be used
 * afterwards.  A client that only shuts down its writing side while it waits is not gone (with
 * HTTP/1.0 it is). */
void http_on_closed(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data);
void http_set_header(struct http_exchange *x, const char *name, const char *value); /* copies */
/* The whole answer; body is copied, type may be NULL.  Only the first one counts.  Nobody keeps it,
 * unless a Cache-Control was set.  An answer that the principal's budget has no room for becomes a
 * 503. */
void http_reply(
	struct http_exchange *x, int status, const char *type, const void *body, size_t len);
/* An answer that says what is wrong, as a JSON-RPC error without an id. */
void http_refuse(struct http_exchange *x, int status, const char *fmt, ...) PRINTF(3, 4);

/* Begins an SSE stream (200, text/event-stream, X-Accel-Buffering: no); keep-alive comments are
 * sent by themselves. */
void http_stream(struct http_exchange *x);
/* Queues one event; each may be NULL or 0.  data's line breaks are kept as several data lines.  A
 * reader that leaves more than HTTP_STREAM_MAX bytes lying is cut off; when a budget is exhausted,
 * the one that leaves the most. */
void http_stream_event(struct http_exchange *x, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms);
/* Bytes queued and not yet written to the socket. */
size_t http_stream_pending(const struct http_exchange *x);
/* fn fires, from the loop, each time pending() has come down to 0. */
void http_stream_on_drained(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data);
void http_stream_end(struct http_exchange *x); /* after what is queued */

#define HTTP_STREAM_MAX (32u << 20)
#define HTTP_SMALL_BODY (64u << 10)

/*
 * ---- another protocol on the same connection ----
 *
 * Answers with 101 and the headers set before, which name the protocol (Upgrade).  Then fn fires,
 * from the loop: fd is to be waited for only, until http_upgrade_end() or closed(), and the bytes
 * go through the functions below, which know about TLS.  The connection goes on counting as one,
 * without any time-out.
 */
typedef void http_upgraded_fn(struct http_exchange *x, int fd, void *data);
void http_upgrade(struct http_exchange *x, http_upgraded_fn *fn, void *data);
/* Like recv() and send() on a non-blocking socket; 0: the client sends no more.  more: what follows
 * belongs to it. */
ssize_t http_upgraded_recv(struct http_exchange *x, void *to, size_t len);
ssize_t http_upgraded_send(struct http_exchange *x, const void *bytes, size_t len, bool more);
/* Whether something can be read though fd does not say so. */
bool http_upgraded_has_more(const struct http_exchange *x);
/* Writes what was taken and is still here.  False: not all of it (errno is EAGAIN when fd is to be
 * waited for). */
bool http_upgraded_flush(struct http_exchange *x);
/* Closes the connection; closed() comes then.  x must not be used otherwise any more. */
void http_upgrade_end(struct http_exchange *x);
/* Whether the page behind this request, if there is one, is this server's own, or of an origin that
 * was allowed by name: for what a browser does with a cookie and without asking. */
bool http_is_same_origin(const struct http_exchange *x);

#endif

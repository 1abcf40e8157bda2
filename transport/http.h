#ifndef TRANSPORT_HTTP_H
#define TRANSPORT_HTTP_H

#include "transport/transport.h"

#include <stdint.h>

/*
 * The HTTP listener: libmicrohttpd inside the one sd_event loop, without threads.  Checks what comes before any message
 * (Host, Origin, token, sizes, rates) and hands exchanges to routes.  Streamable HTTP (streamable.c) and HTTP+SSE (sse.c) are
 * routes; so are the pages the server adds.
 */

struct http;
struct http_exchange; /* one request and its answer */

struct http_options {
	const char *listen;            /* "127.0.0.1:8765", "[::1]:0" (any free port), "unix:PATH", "systemd" (socket activation) */
	const char *tls_cert, *tls_key; /* PEM files; both or neither */
	bool behind_proxy;             /* a proxy terminates TLS in front: a non-loopback listener is allowed */
	const char *allow_hosts, *allow_origins; /* comma-separated, beside the loopback names */
	int64_t max_body, max_connections, max_connections_per_address;
	int64_t header_timeout_ms, idle_timeout_ms;
	/* The principal a bearer token belongs to; NULL: refuse (401).  token is NULL when none came. */
	const char *(*authorize)(const char *token, void *data);
	/* A sentence for WWW-Authenticate's resource_metadata; NULL: none. */
	const char *resource_metadata;
	void *data;
};

struct http_route {
	const char *method; /* "GET", "POST", "DELETE"; NULL: any */
	const char *path;   /* exact */
	bool open;          /* no token needed */
	/* The body is complete; ends in http_reply() or http_stream(), now or later. */
	void (*run)(struct http_exchange *x, void *data);
	void *data;
};

/* What was counted, for metrics. */
struct http_counts {
	uint64_t requests, rejected_host, rejected_origin, rejected_auth, rejected_size, rejected_busy, bytes_in, bytes_out;
	unsigned connections, streams;
};

struct http *http_new(sd_event *event, const struct http_options *options, struct err *err) NODISCARD;
void http_add_route(struct http *http, const struct http_route *route); /* copies; a path may have several methods */
/* Ends every exchange (their closed callbacks fire) and the listener.  NULL-safe. */
void http_free(struct http *http);
/* Where it listens, as a URL without a path: "http://127.0.0.1:8765", or "unix:PATH". */
const char *http_url(const struct http *http);
void http_stop_listening(struct http *http); /* no new connections; those there go on */
const struct http_counts *http_counts(const struct http *http);

/* ---- one exchange ---- */

const char *http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);
const char *http_query(const struct http_exchange *x, const char *name); /* NULL: absent */
const char *http_header(const struct http_exchange *x, const char *name);
const char *http_owner(const struct http_exchange *x); /* the principal; NULL on an open route without a token */
const char *http_body(const struct http_exchange *x, size_t *ret_len);

/* fn fires once when the client is gone or everything was sent; x must not be used afterwards. */
void http_on_closed(struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data);
void http_set_header(struct http_exchange *x, const char *name, const char *value); /* copies */
/* The whole answer; body is copied. */
void http_reply(struct http_exchange *x, int status, const char *type, const void *body, size_t len);
/* Begins an SSE stream (200, text/event-stream, X-Accel-Buffering: no); keep-alive comments are sent by themselves. */
void http_stream(struct http_exchange *x);
/* Queues one event; each may be NULL or 0.  data's line breaks are kept as several data lines. */
void http_stream_event(struct http_exchange *x, const char *name, const char *id, const char *data, size_t len, unsigned retry_ms);
size_t http_stream_pending(const struct http_exchange *x);
void http_stream_on_drained(struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data);
void http_stream_end(struct http_exchange *x);

#endif

#ifndef TRANSPORT_HTTP_HTTP_IMPL_H
#define TRANSPORT_HTTP_HTTP_IMPL_H

#include "transport/http/acceptor.h"
#include "transport/http/check.h"
#include "transport/http/http.h"
#include "transport/http/sockets.h"

#include "base/buf.h"

#include <microhttpd.h>
#include <sys/queue.h>

/*
 * What the files of this folder share.  libmicrohttpd parses and writes HTTP; conn.c gives it
 * connections and takes them away, request.c takes its requests, admission.c decides whether
 * one may go on, budget.c how much it may make us hold, exchange.c answers it,
 * sse.c feeds a stream, and http.c holds all that in the loop.
 */

struct http_conn;
struct http_job;
struct http_peer;

TAILQ_HEAD(http_conns, http_conn);
LIST_HEAD(http_peers, http_peer);
TAILQ_HEAD(http_jobs, http_job);
TAILQ_HEAD(http_streams, http_exchange);
STAILQ_HEAD(http_places, http_place);

#define HTTP_PEER_BUCKETS 256
#define HTTP_SPARE_CONNECTIONS 64 /* beyond the most allowed, to say 503 on */

/* A route, with strings of its own. */
struct http_place {
	STAILQ_ENTRY(http_place) link;
	struct http_route route;
	char *method, *path;
};

/* A one-shot timer that is moved cheaply: an earlier time is set at once, a later one when it
 * fires. */
struct http_timer {
	sd_event_source *source;
	uint64_t due, armed; /* µs, CLOCK_MONOTONIC; UINT64_MAX: never */
};

struct http {
	sd_event *event;
	struct MHD_Daemon *daemon;
	sd_event_source *readable, *again; /* the daemon's epoll descriptor; more to do at once */
	struct http_timer timer;           /* the daemon's own time-outs */
	unsigned futile_runs;              /* see run_again() */
	bool ending;
	void (*idle)(void *data);
	void *idle_data;
	sd_event_source *idle_soon;

	bool tls;
	struct http_options options; /* its numbers and functions: the strings may be gone */
	struct http_names names;
	struct http_sockets sockets;
	struct budgets *budgets, *own_budgets; /* the latter: unless some were given */
	char *resource_metadata;
	struct http_places places;
	struct http_counts counts;

	/* conn.c */
	struct acceptor acceptor;
	struct http_conns conns; /* the one that has been idle longest before those idle since */
	unsigned evicted;        /* of them: being closed to make room */
	struct http_peers peers[HTTP_PEER_BUCKETS];
	struct http_conn *arriving; /* on its way through MHD_add_connection() */

	/* parse.c */
	struct http_jobs jobs; /* whose turn it is before those who come later */
	unsigned parsing;      /* of them, in a thread */

	/* sse.c */
	struct http_streams streams; /* the one that was silent longest first */
	struct http_timer keep_alive;

	char complaint[200]; /* libmicrohttpd's last */
};

/* One TCP or unix connection; carries one exchange after another. */
struct http_conn {
	TAILQ_ENTRY(http_conn) link;
	struct http *http;
	struct MHD_Connection *mhd;
	int fd; /* MHD's */
	struct http_peer *peer;
	const char *target_end; /* of the request, in MHD's memory; NULL: it is malformed */
	bool busy;              /* one too many: its request is answered with 503 */
	bool known;             /* it has shown a token */
	bool evicted;           /* it is being closed to make room */
	bool local;             /* a unix socket */
	bool hung;              /* the client will send no more */
	bool lost;              /* nor will it read */
	sd_event_source *hangup;
	struct http_timer probe;    /* of one that is hung: does it still read? */
	struct http_timer deadline; /* for what must arrive next */
	struct http_exchange *x;    /* NULL between requests */
};

struct http_exchange {
	struct http *http;
	struct http_conn *conn;
	const struct http_route *route; /* NULL: refused before one was found */
	char method[12];
	char *path;
	char *owner;
	struct budget *budget;                     /* NULL: refused before it was known whose */
	size_t body_held, answer_held, queue_held; /* bytes taken from it */
	struct buf body;
	struct http_job *job; /* what is being made of it; or NULL */
	uint64_t began;       /* µs: when the body began to come */
	size_t received;      /* bytes of the body */
	struct http_text {
		struct http_text *next;
		char text[];
	} * trimmed;    /* header values that needed it */
	bool started;   /* run() was called */
	bool is_old;    /* HTTP/1.0 */
	bool suspended; /* MHD waits for us */
	bool gone;      /* the client is, or we are ending */

	struct http_answer_header {
		struct http_answer_header *next;
		char *name, *value;
	} * headers;
	unsigned status;
	struct MHD_Response *response; /* what to answer, until MHD has it */
	bool answered;                 /* response was or is there */
	bool hasty; /* answered without waiting for the body; the connection is closed then */

	/* upgrade.c's */
	http_upgraded_fn *upgraded;
	void *upgraded_data;
	sd_event_source *take_over; /* soon */
	bool is_upgraded;
	bool corked; /* the TLS session has bytes to write */

	void (*closed)(struct http_exchange *x, void *data);
	void *closed_data;

	/* A stream's. */
	TAILQ_ENTRY(http_exchange) link;
	bool streaming, ended;
	uint64_t silent_since;
	struct buf queue;
	size_t taken;  /* bytes of queue that MHD has */
	size_t handed; /* bytes of those not known to be written */
	bool owe_drained;
	void (*drained)(struct http_exchange *x, void *data);
	void *drained_data;
};

/* ---- http.c ---- */

void http_run(struct http *http);       /* lets MHD do what there is to do; not from inside it */
void http_poke(struct http *http);      /* the same, soon */
void http_tell_idle(struct http *http); /* if it is, and somebody wants to know */
uint64_t http_now(const struct http *http); /* µs, CLOCK_MONOTONIC */
void http_timer_set(struct http *http, struct http_timer *timer, uint64_t due,
	sd_event_time_handler_t fn, void *data);
/* To be called first when it fires: whether it is really due. */
bool http_timer_is_due(struct http *http, struct http_timer *timer);

/* ---- conn.c ---- */

void http_accept(struct http *http); /* from its sockets, from now on */
/* Whether x's principal has less than its share of the connections; else x is answered. */
bool http_is_fair(struct http_exchange *x);
void http_on_conn(void *http, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what);
/* The next request's head, or the rest of this one's body, must be there by then. */
void http_conn_deadline(struct http_conn *conn, uint64_t due);
void http_conn_idle(struct http_conn *conn); /* its request was answered: wait for the next */
void http_conn_kill(struct http_conn *conn); /* takes effect from the loop */
/* To find out, from the loop, whether a client that sends no more reads on; if not, its exchange is
 * lost.  Again and again, as long as there is one that is suspended. */
void http_conn_probe(struct http_conn *conn);
/* Whether name is the address this connection came in at. */
bool http_conn_is_at(const struct http_conn *conn, const char *name);

/* ---- request.c: what MHD calls ---- */

enum MHD_Result http_on_request(void *http, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **own);
void http_on_completed(
	void *http, struct MHD_Connection *mhd, void **own, enum MHD_RequestTerminationCode why);

/* ---- head.c ---- */

/* MHD_OPTION_URI_LOG_CALLBACK */
void *http_on_target(void *http, const char *target, struct MHD_Connection *mhd);
/* method and version as MHD hands them to http_on_request(), and where they are. */
bool http_head_is_clean(const struct http_conn *conn, const char *method, const char *version);

/* ---- admission.c ---- */

/* Whether x may go on to its route, which is set then; else x is answered. */
bool http_gate(
	struct http_exchange *x, const char *method, const char *target, const char *version);
size_t http_most(const struct http_exchange *x); /* bytes that its body may have */

/* ---- budget.c ---- */

/* Makes *held, one of x's three, become wanted; streams whose readers leave more lying than x's are
 * cut off for that.  False: it cannot be had, and nothing has changed. */
bool http_hold(struct http_exchange *x, size_t *held, size_t wanted);
/* Whether there is room for a body of so many bytes, which is held then; else x is answered. */
bool http_hold_body(struct http_exchange *x, size_t bytes);
void http_let_go(struct http_exchange *x); /* of all */

/* ---- parse.c ---- */

void http_parse_end(struct http *http); /* every exchange has been lost */

/* ---- exchange.c ---- */

struct http_exchange *http_exchange_new(struct http_conn *conn);
void http_exchange_free(struct http_exchange *x); /* fires closed, unless it did */
void http_exchange_lose(struct http_exchange *x); /* the client is gone */
void http_exchange_answer(struct http_exchange *x, unsigned status, struct MHD_Response *response);
/* From inside MHD's callbacks: MHD leaves it alone until http_exchange_resume().  False: its client
 * has gone, and x is lost. */
bool http_exchange_suspend(struct http_exchange *x);
void http_exchange_resume(struct http_exchange *x);

/* ---- sse.c ---- */

void http_stream_forget(struct http_exchange *x);
void http_stream_ping(struct http_exchange *x); /* a comment, if nothing is queued */
/* Ends it without what is queued; closed() comes from the loop. */
void http_stream_cut(struct http_exchange *x, const char *why);

/* ---- upgrade.c ---- */

void http_upgrade_forget(struct http_exchange *x);
/* Writes past MHD, which must not be in the middle of an answer; false: not all of it went. */
bool http_send_raw(struct http_exchange *x, const char *text);

/* ---- sse_event.c ---- */

/* Appends one server-sent event. */
void http_event_write(struct buf *out, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms);

#endif

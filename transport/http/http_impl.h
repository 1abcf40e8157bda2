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
 * Shared by the files of this folder.  libmicrohttpd parses and writes HTTP.  conn.c manages
 * connections, request.c receives requests and body.c their bodies, admission.c checks them, budget.c
 * limits their memory, exchange.c answers them, stream.c and sse.c send streams, direct.c sends
 * responses before the body has come, loop.c runs libmicrohttpd in the event loop.
 */

struct http_conn;
struct http_job;
struct http_peer;

TAILQ_HEAD(http_conns, http_conn);
LIST_HEAD(http_peers, http_peer);
TAILQ_HEAD(http_jobs, http_job);
TAILQ_HEAD(http_streams, http_exchange);
STAILQ_HEAD(http_registered_routes, http_registered_route);

#define HTTP_PEER_BUCKETS 256
#define HTTP_SPARE_CONNECTIONS 64 /* above the limit, to respond with 503 */

/* A route with copies of its strings. */
struct http_registered_route {
	STAILQ_ENTRY(http_registered_route) link;
	struct http_route route;
	char *method, *path;
};

/* A one-shot timer that is cheap to move: an earlier time takes effect immediately, a later one
 * when it fires. */
struct http_timer {
	sd_event_source *source;
	uint64_t due, armed; /* µs, CLOCK_MONOTONIC; UINT64_MAX: never */
};

struct http {
	sd_event *event;
	struct MHD_Daemon *daemon;
	sd_event_source *readable, *again; /* the daemon's epoll descriptor; pending work */
	struct http_timer timer;           /* the daemon's timeouts */
	unsigned futile_runs;              /* see run_again() */
	bool ending;
	void (*idle)(void *data);
	void *idle_data;
	sd_event_source *idle_soon;

	bool tls;
	struct http_options options; /* numbers and functions only: the strings may be freed */
	struct http_names names;
	struct http_sockets sockets;
	struct budgets *budgets, *own_budgets; /* own_budgets: NULL if budgets were given */
	char *resource_metadata;
	struct http_registered_routes routes;
	struct http_counts counts;

	/* conn.c */
	struct acceptor acceptor;
	struct http_conns conns; /* those idle longest first */
	unsigned evicted;        /* of them: being closed to make room */
	struct http_peers peers[HTTP_PEER_BUCKETS];
	struct http_conn *arriving; /* during MHD_add_connection() */

	/* parse.c */
	struct http_jobs jobs; /* in the order of their turns */
	unsigned parsing;      /* of them, in a thread */

	/* stream.c, sse.c */
	struct http_streams streams; /* those silent longest first */
	struct http_timer keep_alive;

	char complaint[200]; /* libmicrohttpd's last error */
};

/* One TCP or unix connection, for successive exchanges. */
struct http_conn {
	TAILQ_ENTRY(http_conn) link;
	struct http *http;
	struct MHD_Connection *mhd;
	int fd; /* MHD's */
	struct http_peer *peer;
	char *target;           /* of the request */
	const char *target_end; /* in MHD's memory; NULL: malformed */
	bool busy;              /* above the limit: its request is answered with 503 */
	bool known;             /* it has authenticated */
	bool evicted;           /* it is being closed to make room */
	bool local;             /* a unix socket */
	bool hung;              /* the client has stopped sending */
	bool lost;              /* it has stopped reading, too */
	sd_event_source *hangup;
	struct http_timer probe;    /* if hung: does it still read? */
	struct http_timer deadline; /* for what must arrive next */
	struct http_exchange *x;    /* NULL between requests */
};

struct http_exchange {
	struct http *http;
	struct http_conn *conn;
	const struct http_route *route; /* NULL: none */
	char method[12];
	char *path, *target;
	char *owner;
	/* NULL: refused before the principal was known */
	struct budget *budget;
	size_t body_held, answer_held, queue_held; /* bytes reserved from it */
	struct buf body;
	struct http_job *job; /* parses the body; or NULL */
	uint64_t began;       /* µs: since when a part of the body is awaited */
	size_t paced;         /* bytes that have come since then */
	size_t received;      /* bytes of the body */
	struct http_text {
		struct http_text *next;
		char text[];
	} * trimmed;    /* trimmed header values */
	bool started;   /* run() was called */
	bool is_old;    /* HTTP/1.0 */
	bool suspended; /* MHD waits for the response, or for the body to be taken */
	bool gone;      /* the client has disconnected, or the server ends */

	struct http_answer_header {
		struct http_answer_header *next;
		char *name, *value;
	} * headers;
	unsigned status;   /* of the response, until MHD has it; 0: none */
	struct buf answer; /* its body */
	bool answered;     /* a response was set */
	bool hasty;        /* answered without waiting for the body, so the connection closes */

	/* body.c */
	http_part_fn *part;
	void *part_data;
	void (*collected)(struct http_exchange *x, void *data);
	size_t collect_max;
	size_t discarded; /* bytes of the body after the response was set */
	bool taking;      /* part() is being called */
	bool wants_more;  /* http_receive_more() was called in it */
	bool paused;      /* until http_receive_more() */
	bool complete;    /* the body has come */
	bool told_end;    /* and part() knows */
	bool in_head;     /* run() is called with the head */

	/* direct.c */
	bool direct; /* the response is written there */
	bool framed; /* in chunks */
	bool early;  /* it is sent: the rest of the body is read only to be discarded */

	/* upgrade.c */
	http_upgraded_fn *upgraded;
	void *upgraded_data;
	sd_event_source *take_over; /* a deferred call */
	bool is_upgraded;
	bool headless; /* without a 101 */
	bool corked;   /* the TLS session has bytes to write */

	void (*closed)(struct http_exchange *x, void *data);
	void *closed_data;

	/* Of a stream. */
	TAILQ_ENTRY(http_exchange) link;
	bool streaming, ended;
	bool is_events; /* server-sent events */
	int64_t length; /* -1: unknown */
	uint64_t silent_since;
	struct buf queue;
	size_t taken;  /* bytes of queue that MHD has fetched */
	size_t handed; /* of them, bytes that may be unwritten */
	bool owe_drained;
	void (*drained)(struct http_exchange *x, void *data);
	void *drained_data;
};

/* ---- loop.c ---- */

void http_loop_start(struct http *http);    /* the daemon runs; it is run by the loop from now on */
void http_loop_end(struct http *http);      /* also if it was not started */
void http_run(struct http *http);           /* runs MHD; not from inside its callbacks */
void http_poke(struct http *http);          /* the same, deferred */
uint64_t http_now(const struct http *http); /* µs, CLOCK_MONOTONIC */
void http_timer_set(struct http *http, struct http_timer *timer, uint64_t due,
	sd_event_time_handler_t fn, void *data);
/* To be called first when it fires: whether it is really due. */
bool http_timer_is_due(struct http *http, struct http_timer *timer);

/* ---- http.c ---- */

void http_notify_idle(struct http *http); /* calls the callback of http_on_idle() if it is idle */

/* ---- conn.c ---- */

void http_accept(struct http *http); /* starts accepting from its sockets */
/* Whether x's principal has less than its share of the connections; otherwise x is answered. */
bool http_is_fair(struct http_exchange *x);
void http_on_conn(void *http, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what);
/* Sets when the next request's head, or the rest of this one's body, must have arrived. */
void http_conn_deadline(struct http_conn *conn, uint64_t due);
void http_conn_idle(struct http_conn *conn); /* its request was answered: wait for the next */
void http_conn_kill(struct http_conn *conn); /* takes effect from the loop */
/* For a client that has stopped sending.  Tests from the loop, repeatedly while an exchange is
 * suspended, whether it still reads.  If not, its exchange is lost.  In the middle of a body, makes sure
 * that the end is read. */
void http_conn_probe(struct http_conn *conn);
/* Whether name is the local address of this connection. */
bool http_conn_is_at(const struct http_conn *conn, const char *name);

/* ---- request.c: MHD's callbacks ---- */

enum MHD_Result http_on_request(void *http, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **own);
void http_on_completed(
	void *http, struct MHD_Connection *mhd, void **own, enum MHD_RequestTerminationCode why);

/* ---- head.c ---- */

/* MHD_OPTION_URI_LOG_CALLBACK */
void *http_on_target(void *http, const char *target, struct MHD_Connection *mhd);
/* method and version: the pointers that MHD passes to http_on_request(). */
bool http_head_is_clean(const struct http_conn *conn, const char *method, const char *version);

/* ---- route.c ---- */

void http_routes_done(struct http *http);
/* Sets x's route; NULL: none. */
void http_find_route(struct http_exchange *x, const char *method);
/* Whether a route for probes has this path. */
bool http_is_probe(const struct http *http, const char *path);
/* Answers x, which has no route. */
void http_refuse_route(struct http_exchange *x, bool from_page);

/* ---- body.c ---- */

/* A part of the body has come; returns how many bytes of it are left in *len. */
enum MHD_Result http_body_part(struct http_exchange *x, const char *bytes, size_t *len);
/* The body is complete, or x was resumed afterwards. */
void http_body_end(struct http_exchange *x);
/* Whether a response that was set with the head can wait for the end of the body.  A client that is
 * still writing when the connection is closed may never receive the response. */
bool http_body_is_near(const struct http_exchange *x);
/* A response was set before the body's end: it is not delayed for long. */
void http_body_hurry(struct http_exchange *x);
/* The deadline of x's body has passed: whether it gets another one. */
bool http_body_is_late(struct http_exchange *x);

/* The response is sent, and the connection closes soon. */
void http_body_linger(struct http_exchange *x);

/* ---- direct.c ---- */

/* Whether a response must be sent there, because the body has not come. */
bool http_direct_is_possible(const struct http_exchange *x);
void http_direct_begin(struct http_exchange *x, unsigned status); /* length is set */
/* Appends to the queue, in a chunk if necessary. */
void http_direct_append(struct http_exchange *x, const void *bytes, size_t len);
void http_direct_arm(struct http_exchange *x); /* there is something to write */
void http_direct_end(struct http_exchange *x);
void http_direct_write(struct http_exchange *x); /* the socket takes bytes */

/* ---- admission.c ---- */

/* Whether x is admitted.  Otherwise x is answered. */
bool http_admit(
	struct http_exchange *x, const char *method, const char *target, const char *version);
size_t http_most(const struct http_exchange *x); /* maximum size of its body */

/* ---- budget.c ---- */

/* Changes *held, one of x's three reservations, to wanted.  Disconnects streams with more unread
 * data than x if necessary.  False: refused, and nothing was changed. */
bool http_hold(struct http_exchange *x, size_t *held, size_t wanted);
/* Reserves memory for a body of so many bytes.  False: x is answered. */
bool http_hold_body(struct http_exchange *x, size_t bytes);
void http_let_go(struct http_exchange *x); /* all reservations */

/* ---- parse.c ---- */

void http_parse_end(struct http *http); /* every exchange has been lost */

/* ---- exchange.c ---- */

struct http_exchange *http_exchange_new(struct http_conn *conn);
void http_exchange_free(struct http_exchange *x); /* calls closed, unless it was called */
void http_exchange_lose(struct http_exchange *x); /* the client has disconnected */
void http_exchange_answer(struct http_exchange *x, unsigned status);
/* Gives the response to MHD. */
enum MHD_Result http_exchange_pass(struct http_exchange *x);
/* From inside MHD's callbacks: MHD ignores it until http_exchange_resume().  False: the client has
 * disconnected, and x is lost. */
bool http_exchange_suspend(struct http_exchange *x);
void http_exchange_resume(struct http_exchange *x);

/* ---- stream.c ---- */

struct MHD_Response *http_stream_response(struct http_exchange *x);
void http_stream_forget(struct http_exchange *x);
/* Ends it and drops its queue; closed() is called from the loop. */
void http_stream_cut(struct http_exchange *x, const char *why);
/* Whether len bytes can be queued.  If not, x is cut. */
bool http_stream_takes(struct http_exchange *x, size_t len);
void http_stream_queued(struct http_exchange *x); /* bytes were appended to the queue */
void http_stream_resume(struct http_exchange *x); /* to send them */
void http_stream_sent(struct http_exchange *x, size_t len);
void http_stream_tell_drained(struct http_exchange *x);
void http_stream_spoke(struct http_exchange *x); /* its next comment is due later */

/* ---- sse.c ---- */

void http_stream_ping(struct http_exchange *x); /* a comment, if nothing is queued */
void http_stream_schedule(struct http *http);   /* the next comment */

/* ---- upgrade.c ---- */

void http_upgrade_forget(struct http_exchange *x);
void http_upgrade_now(struct http_exchange *x); /* the request is complete */
/* Writes to the socket directly, while MHD is not in the middle of a response; false:
 * incomplete. */
bool http_send_raw(struct http_exchange *x, const void *bytes, size_t len);

/* ---- sse_event.c ---- */

/* Appends one server-sent event. */
void http_event_write(struct buf *out, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms);

#endif

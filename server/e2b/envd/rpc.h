#ifndef SERVER_E2B_ENVD_RPC_H
#define SERVER_E2B_ENVD_RPC_H

#include "server/e2b/core/request.h"
#include "server/e2b/envd/connect.h"
#include "server/e2b/envd/user.h"
#include "vm/guest/ask.h"

/*
 * One call of a method of envd, and its answer: one message, or a stream of messages.  The client
 * may go at any time; then closed() is called, and nothing else.
 */
struct rpc;

struct rpc_method {
	const char *path; /* "/process.Process/Start" */
	bool streams;
	const char *keepalive; /* of one that streams: its message while there is nothing else */
	void (*run)(struct rpc *rpc, const json_t *body); /* body: valid as long as rpc */
};

#define RPC_BODY_MAX (8u << 20)

typedef void rpc_answered_fn(struct rpc *rpc, const void *answer, const void *tail, size_t tail_len,
	const struct err *err);

struct rpc {
	struct e2b_request *r; /* NULL: the client has gone */
	const struct rpc_method *method;
	struct guest *guest;
	struct envd_user user;
	int64_t timeout_ms; /* Connect-Timeout-Ms; -1: none */

	/* Of the method. */
	json_t *kept; /* what its arguments point into; freed with it */
	void *data;
	void (*closed)(struct rpc *rpc); /* frees data; also after the answer */
	/* Of a stream: everything was sent, or the deadline has come; may be NULL. */
	void (*drained)(struct rpc *rpc);
	void (*late)(struct rpc *rpc);

	/* private to rpc.c and rpc_stream.c */
	json_t *body;
	guest_id question;
	rpc_answered_fn *answered;
	bool streaming, ended;
	int64_t ping_ms; /* -1: never */
	sd_event_source *ping, *deadline;
};

/* Runs the method of r's path, or refuses it.  methods ends with a row without a path. */
void rpc_run(struct e2b_request *r, const struct rpc_method *const *services, size_t n);

/* Its user, for requests of the agent; NULL: the desktop's. */
const char *rpc_user(const struct rpc *rpc);
/* Takes the message, the answer of a method that does not stream. */
void rpc_reply(struct rpc *rpc, json_t *message);
/* Ends the call, also a stream that has begun.  The connection is cut if the sandbox has ended. */
void rpc_fail(struct rpc *rpc, enum connect_code code, const char *fmt, ...) PRINTF(3, 4);
void rpc_fail_err(struct rpc *rpc, const struct err *err);
void rpc_fail_as(struct rpc *rpc, enum connect_code code, const struct err *err);

/* One question at a time; fn is not called once the client has gone.  The question's arguments must
 * not outlive this call. */
void rpc_ask(struct rpc *rpc, const struct guest_question *question, rpc_answered_fn *fn);

/* An rpc_answered_fn: the answer, or its error, as an empty message. */
rpc_answered_fn rpc_answer_empty;

/* ---- streams ---- */

/* The first message; from here on, the keepalive runs, and the deadline if `late` is set. */
void rpc_stream_begin(struct rpc *rpc);
void rpc_say(struct rpc *rpc, json_t *message); /* takes it */
void rpc_say_text(struct rpc *rpc, const char *message, size_t len);
size_t rpc_pending(const struct rpc *rpc); /* bytes that the client has not read */
void rpc_end(struct rpc *rpc);
/* Of rpc.c. */
void rpc_stream_fail(struct rpc *rpc, json_t *error);
void rpc_stream_stop(struct rpc *rpc);

#endif

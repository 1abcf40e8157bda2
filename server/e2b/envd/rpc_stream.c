/* The answer of a method that streams: envelopes, a keepalive after silence, a deadline, and the last
 * envelope. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/e2b/envd/rpc.h"

#include <string.h>

static void send(struct rpc *rpc, unsigned flags, const char *message, size_t len)
{
	auto_buf struct buf envelope = { 0 };
	connect_envelope_append(&envelope, flags, message, len);
	http_stream_write(rpc->r->x, envelope.data, envelope.len);
}

/* ---- silence ---- */

static int on_silence(sd_event_source *source, uint64_t usec, void *data);

static void restart_ping(struct rpc *rpc)
{
	loop_drop(&rpc->ping);
	if (rpc->ping_ms > 0 && rpc->method->keepalive) {
		rpc->ping =
			loop_after_ms(rpc->r->e2b->event, (uint64_t)rpc->ping_ms, on_silence, rpc);
	}
}

/* A client that does not read gets no more of them. */
static int on_silence(sd_event_source *source, uint64_t usec, void *data)
{
	struct rpc *rpc = data;
	(void)source, (void)usec;
	if (!rpc_pending(rpc)) {
		send(rpc, 0, rpc->method->keepalive, strlen(rpc->method->keepalive));
	}
	restart_ping(rpc);
	return 0;
}

/* ---- messages ---- */

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	struct rpc *rpc = data;
	(void)source, (void)usec;
	rpc->late(rpc);
	return 0;
}

static void on_drained(struct http_exchange *x, void *data)
{
	struct rpc *rpc = ((struct e2b_request *)data)->data;
	(void)x;
	if (rpc->drained && !rpc->ended) {
		rpc->drained(rpc);
	}
}

static void open_stream(struct rpc *rpc)
{
	if (!rpc->streaming) {
		rpc->streaming = true;
		http_stream_on_drained(rpc->r->x, on_drained, rpc->r);
		http_stream_begin(rpc->r->x, 200, "application/connect+json", -1);
	}
}

void rpc_stream_begin(struct rpc *rpc)
{
	open_stream(rpc);
	restart_ping(rpc);
	if (rpc->late && rpc->timeout_ms > 0 && !rpc->deadline) {
		rpc->deadline =
			loop_after_ms(rpc->r->e2b->event, (uint64_t)rpc->timeout_ms, on_late, rpc);
	}
}

void rpc_say_text(struct rpc *rpc, const char *message, size_t len)
{
	open_stream(rpc);
	send(rpc, 0, message, len);
	restart_ping(rpc);
}

void rpc_say(struct rpc *rpc, json_t *message)
{
	auto_free char *text = must(json_dumps(message, JSON_COMPACT));
	json_decref(message);
	rpc_say_text(rpc, text, strlen(text));
}

size_t rpc_pending(const struct rpc *rpc)
{
	return http_stream_pending(rpc->r->x);
}

/* ---- the end ---- */

void rpc_stream_stop(struct rpc *rpc)
{
	rpc->ended = true;
	loop_drop(&rpc->ping);
	loop_drop(&rpc->deadline);
}

/* Takes message. */
static void finish(struct rpc *rpc, json_t *message)
{
	auto_free char *text = must(json_dumps(message, JSON_COMPACT));
	json_decref(message);
	rpc_stream_stop(rpc);
	open_stream(rpc);
	send(rpc, CONNECT_FLAG_END, text, strlen(text));
	http_stream_end(rpc->r->x);
}

void rpc_end(struct rpc *rpc)
{
	finish(rpc, must(json_object()));
}

void rpc_stream_fail(struct rpc *rpc, json_t *error)
{
	finish(rpc, must(json_pack("{s:o}", "error", error)));
}

/*
 * Responses in parts.  What is written waits in the exchange's queue, and libmicrohttpd fetches it as
 * the client reads.  While the queue is empty, the exchange is suspended.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <string.h>

/* Bytes that libmicrohttpd fetches at once.  With an unknown length, only HTTP/1.0 clients get
 * responses through such a block; the others through the memory of the request. */
#define BLOCK (128u << 10)
#define SMALL_BLOCK 512

static size_t waiting(const struct http_exchange *x)
{
	return x->queue.len - x->taken;
}

size_t http_stream_pending(const struct http_exchange *x)
{
	return waiting(x) + x->handed;
}

/* ---- what was sent ---- */

void http_stream_sent(struct http_exchange *x, size_t len)
{
	x->taken += len;
	x->http->counts.bytes_out += len;
	if (waiting(x) < x->queue_held) {
		budget_set(x->budget, &x->queue_held, waiting(x));
	}
	if (waiting(x) == 0) {
		buf_done(&x->queue); /* an idle stream holds no memory */
		x->taken = 0;
	} else if (x->taken > x->queue.len / 2) {
		buf_consume(&x->queue, x->taken);
		x->taken = 0;
	}
}

void http_stream_tell_drained(struct http_exchange *x)
{
	if (!x->gone && x->owe_drained && waiting(x) == 0) {
		x->owe_drained = false;
		if (x->drained) {
			x->drained(x, x->drained_data);
		}
	}
}

/* ---- libmicrohttpd's side ---- */

/* After a reset, MHD 0.9.75 forgets a connection whose reader returns an error until another event
 * occurs.  A failing write ends all of them. */
static ssize_t give_up(struct http_exchange *x, char *to)
{
	http_conn_kill(x->conn);
	*to = ':';
	return 1;
}

/* MHD calls this when it has written everything it was given. */
static ssize_t on_read(void *data, uint64_t at, char *to, size_t most)
{
	struct http_exchange *x = data;
	(void)at;
	x->http->futile_runs = 0;
	x->handed = 0;
	http_stream_tell_drained(x);
	if (x->gone) {
		return give_up(x, to);
	}
	size_t len = waiting(x) < most ? waiting(x) : most;
	if (len > 0) {
		memcpy(to, x->queue.data + x->taken, len);
		x->handed = len;
		http_stream_sent(x, len);
		return (ssize_t)len;
	}
	if (x->ended) {
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	return http_exchange_suspend(x) ? 0 : give_up(x, to);
}

struct MHD_Response *http_stream_response(struct http_exchange *x)
{
	uint64_t length = x->length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)x->length;
	size_t block = x->length < 0 && !x->is_old ? SMALL_BLOCK : BLOCK;
	return must(MHD_create_response_from_callback(length, block, on_read, x, NULL));
}

/* ---- the handler's side ---- */

/* After these, a client reads the next response at once.  MHD 0.9.75 would frame a body of a 304. */
static bool is_without_body(int status)
{
	return status == 204 || status == 304;
}

void http_stream_begin(struct http_exchange *x, int status, const char *type, int64_t length)
{
	if (x->answered || x->gone) {
		return;
	}
	if (type) {
		http_set_header(x, "Content-Type", type);
	}
	x->streaming = true;
	x->length = is_without_body(status) ? 0 : length;
	x->silent_since = http_now(x->http);
	TAILQ_INSERT_TAIL(&x->http->streams, x, link);
	x->http->counts.streams++;
	if (http_direct_is_possible(x)) {
		x->answered = true;
		http_direct_begin(x, (unsigned)status);
	} else {
		http_exchange_answer(x, (unsigned)status);
	}
}

void http_stream_forget(struct http_exchange *x)
{
	if (x->streaming) {
		TAILQ_REMOVE(&x->http->streams, x, link);
		x->http->counts.streams--;
	}
	buf_done(&x->queue);
}

void http_stream_abort(struct http_exchange *x)
{
	x->gone = true;
	buf_done(&x->queue);
	x->taken = x->handed = 0;
	budget_set(x->budget, &x->queue_held, 0);
	http_conn_kill(x->conn);
	http_exchange_resume(x);
}

void http_stream_cut(struct http_exchange *x, const char *why)
{
	log_info("connection=%s: disconnected a stream with %zu unread bytes: %s",
		x->owner ? x->owner : "", http_stream_pending(x), why);
	http_stream_abort(x);
}

bool http_stream_takes(struct http_exchange *x, size_t len)
{
	if (!x->streaming || x->ended || x->gone) {
		return false;
	}
	if (http_stream_pending(x) + len > HTTP_STREAM_MAX) {
		http_stream_cut(x, "the limit is exceeded");
		return false;
	}
	if (!http_hold(x, &x->queue_held, waiting(x) + len)) {
		http_stream_cut(x, "the memory limit of its principal is reached");
		return false;
	}
	return true;
}

void http_stream_spoke(struct http_exchange *x)
{
	TAILQ_REMOVE(&x->http->streams, x, link);
	TAILQ_INSERT_TAIL(&x->http->streams, x, link);
	x->silent_since = http_now(x->http);
}

void http_stream_resume(struct http_exchange *x)
{
	if (x->direct) {
		http_direct_arm(x);
	} else {
		http_exchange_resume(x);
	}
}

void http_stream_queued(struct http_exchange *x)
{
	x->owe_drained = true;
	http_stream_spoke(x);
	http_stream_resume(x);
}

/* Whether the client gets the body that is written.  (Of one that is longer than announced, MHD fetches
 * no more.) */
static bool has_body(const struct http_exchange *x)
{
	return strcmp(x->method, "HEAD") != 0;
}

void http_stream_write(struct http_exchange *x, const void *bytes, size_t len)
{
	if (len > 0 && has_body(x) && http_stream_takes(x, len)) {
		x->direct ? http_direct_append(x, bytes, len) : buf_append(&x->queue, bytes, len);
		http_stream_queued(x);
	}
}

void http_stream_on_drained(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data)
{
	x->drained = fn;
	x->drained_data = data;
}

void http_stream_end(struct http_exchange *x)
{
	if (!x->streaming || x->ended) {
		return;
	}
	x->ended = true;
	if (x->direct) {
		http_direct_end(x);
	} else {
		http_exchange_resume(x);
	}
}

/*
 * Server-sent events.  Events wait in the exchange's queue, and libmicrohttpd fetches them as the
 * client reads.  While the queue is empty, the exchange is suspended.  An idle stream is sent
 * comments, so that proxies keep it and a dead client is detected.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <string.h>

#define BLOCK 512 /* in bytes: only HTTP/1.0 clients get responses through it */

static size_t waiting(const struct http_exchange *x)
{
	return x->queue.len - x->taken;
}

size_t http_stream_pending(const struct http_exchange *x)
{
	return waiting(x) + x->handed;
}

static void hand_over(struct http_exchange *x, char *to, size_t len)
{
	memcpy(to, x->queue.data + x->taken, len);
	x->taken += len;
	x->handed = len;
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
	if (!x->gone && x->owe_drained && waiting(x) == 0) {
		x->owe_drained = false;
		if (x->drained) {
			x->drained(x, x->drained_data);
		}
	}
	if (x->gone) {
		return give_up(x, to);
	}
	size_t len = waiting(x) < most ? waiting(x) : most;
	if (len > 0) {
		hand_over(x, to, len);
		return (ssize_t)len;
	}
	if (x->ended) {
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	return http_exchange_suspend(x) ? 0 : give_up(x, to);
}

/* ---- keep-alive: all streams have the same interval, so the head is the next one ---- */

static void schedule(struct http *http);

static uint64_t speaks_at(const struct http_exchange *x)
{
	return x->silent_since + (uint64_t)x->http->options.keep_alive_ms * 1000;
}

void http_stream_ping(struct http_exchange *x)
{
	if (http_stream_pending(x) == 0 && !x->ended) {
		buf_append(&x->queue, ":\n\n", 3);
		http_exchange_resume(x);
	}
}

static void now_at_tail(struct http_exchange *x)
{
	TAILQ_REMOVE(&x->http->streams, x, link);
	TAILQ_INSERT_TAIL(&x->http->streams, x, link);
	x->silent_since = http_now(x->http);
}

static int on_keep_alive(sd_event_source *source, uint64_t usec, void *data)
{
	struct http *http = data;
	struct http_exchange *x;
	(void)source;
	(void)usec;
	if (!http_timer_is_due(http, &http->keep_alive)) {
		return 0;
	}
	uint64_t now = http_now(http);
	while ((x = TAILQ_FIRST(&http->streams)) && speaks_at(x) <= now) {
		now_at_tail(x);
		http_stream_ping(x);
	}
	schedule(http);
	return 0;
}

static void schedule(struct http *http)
{
	struct http_exchange *first = TAILQ_FIRST(&http->streams);
	if (first) {
		http_timer_set(http, &http->keep_alive, speaks_at(first), on_keep_alive, http);
	}
}

/* ---- streams ---- */

void http_stream(struct http_exchange *x)
{
	if (x->answered || x->gone) {
		return;
	}
	struct MHD_Response *response =
		must(MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, x, NULL));
	http_set_header(x, "Content-Type", "text/event-stream");
	http_set_header(x, "Cache-Control", "no-cache, no-store");
	http_set_header(x, "X-Accel-Buffering", "no");
	x->streaming = true;
	x->silent_since = http_now(x->http);
	TAILQ_INSERT_TAIL(&x->http->streams, x, link);
	x->http->counts.streams++;
	schedule(x->http);
	http_exchange_answer(x, 200, response);
}

void http_stream_forget(struct http_exchange *x)
{
	if (x->streaming) {
		TAILQ_REMOVE(&x->http->streams, x, link);
		x->http->counts.streams--;
	}
	buf_done(&x->queue);
}

void http_stream_cut(struct http_exchange *x, const char *why)
{
	log_info("connection=%s: disconnected a stream with %zu unread bytes: %s",
		x->owner ? x->owner : "", http_stream_pending(x), why);
	x->gone = true;
	buf_done(&x->queue);
	x->taken = x->handed = 0;
	budget_set(x->budget, &x->queue_held, 0);
	http_conn_kill(x->conn);
	http_exchange_resume(x);
}

void http_stream_event(struct http_exchange *x, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms)
{
	if (!x->streaming || x->ended || x->gone) {
		return;
	}
	if (http_stream_pending(x) + len > HTTP_STREAM_MAX) {
		http_stream_cut(x, "the limit is exceeded");
		return;
	}
	if (!http_hold(x, &x->queue_held, waiting(x) + len)) {
		http_stream_cut(x, "the memory limit of its principal is reached");
		return;
	}
	http_event_write(&x->queue, name, id, data, len, retry_ms);
	x->owe_drained = true;
	now_at_tail(x);
	http_exchange_resume(x);
}

void http_stream_on_drained(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data)
{
	x->drained = fn;
	x->drained_data = data;
}

void http_stream_end(struct http_exchange *x)
{
	if (x->streaming) {
		x->ended = true;
		http_exchange_resume(x);
	}
}

/*
 * Streams of server-sent events.  An idle one is sent comments, so that proxies keep it and a dead
 * client is detected.
 */
#include "transport/http/http_impl.h"

/* ---- keep-alive: all streams have the same interval, so the head is the next one ---- */

static uint64_t speaks_at(const struct http_exchange *x)
{
	return x->silent_since + (uint64_t)x->http->options.keep_alive_ms * 1000;
}

void http_stream_ping(struct http_exchange *x)
{
	if (x->is_events && http_stream_pending(x) == 0 && !x->ended) {
		buf_append(&x->queue, ":\n\n", 3);
		http_stream_resume(x);
	}
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
		http_stream_spoke(x);
		http_stream_ping(x);
	}
	http_stream_schedule(http);
	return 0;
}

void http_stream_schedule(struct http *http)
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
	http_set_header(x, "Content-Type", "text/event-stream");
	http_set_header(x, "Cache-Control", "no-cache, no-store");
	http_set_header(x, "X-Accel-Buffering", "no");
	x->is_events = true;
	http_stream_begin(x, 200, NULL, -1);
	http_stream_schedule(x->http);
}

void http_stream_event(struct http_exchange *x, const char *name, const char *id, const char *data,
	size_t len, unsigned retry_ms)
{
	if (http_stream_takes(x, len)) {
		http_event_write(&x->queue, name, id, data, len, retry_ms);
		http_stream_queued(x);
	}
}

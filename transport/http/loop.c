/*
 * libmicrohttpd in the loop.  It has one epoll descriptor for all its connections.  It is run when
 * this is readable, when one of its timeouts expires, or after a connection was resumed or added.
 * All of its callbacks, and therefore all of ours, are called from there.
 */
#include "transport/http/http_impl.h"

#include "base/loop.h"

#include <sys/epoll.h>

#define FUTILE_RUNS_MAX 32
#define FUTILE_WAIT_US 10000

/* ---- time ---- */

uint64_t http_now(const struct http *http)
{
	uint64_t now;
	return sd_event_now(http->event, CLOCK_MONOTONIC, &now) < 0 ? loop_now_us() : now;
}

void http_timer_set(struct http *http, struct http_timer *timer, uint64_t due,
	sd_event_time_handler_t fn, void *data)
{
	timer->due = due;
	if (due == UINT64_MAX || (timer->source && due >= timer->armed)) {
		return;
	}
	timer->armed = due;
	if (timer->source) {
		sd_event_source_set_time(timer->source, due);
		sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
	} else if (sd_event_add_time(http->event, &timer->source, CLOCK_MONOTONIC, due, 100000, fn,
			   data) < 0) {
		timer->source = NULL; /* the loop has ended */
	}
}

bool http_timer_is_due(struct http *http, struct http_timer *timer)
{
	timer->armed = UINT64_MAX;
	if (timer->due > http_now(http)) {
		http_timer_set(http, timer, timer->due, NULL, NULL);
		return false;
	}
	timer->due = UINT64_MAX;
	return true;
}

/* ---- running libmicrohttpd ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct http *http = data;
	(void)source;
	(void)usec;
	if (http_timer_is_due(http, &http->timer)) {
		http_run(http);
	}
	return 0;
}

/*
 * While a TLS handshake waits for the client's next bytes, MHD permanently reports pending work
 * (0.9.75).  New bytes wake the loop anyway, so after some runs without effect the next one comes
 * from the timer.
 */
static void run_again(struct http *http)
{
	if (http->futile_runs < FUTILE_RUNS_MAX) {
		http_poke(http);
	} else {
		http_timer_set(http, &http->timer, http_now(http) + FUTILE_WAIT_US, on_timer, http);
	}
}

void http_run(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;
	http->futile_runs++; /* a callback resets it to 0 */
	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &ms) != MHD_YES) {
		http->timer.due = UINT64_MAX;
	} else if (ms == 0) {
		run_again(http);
	} else {
		http_timer_set(http, &http->timer, http_now(http) + ms * 1000, on_timer, http);
	}
}

static int on_again(sd_event_source *source, void *data)
{
	struct http *http = data;
	(void)source;
	loop_drop(&http->again);
	http_run(http);
	return 0;
}

/* A new source each time: one that is enabled again counts as the oldest and would starve
 * others. */
void http_poke(struct http *http)
{
	if (!http->again && !http->ending) {
		http->again = loop_defer(http->event, on_again, http);
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct http *http = data;
	(void)source;
	(void)fd;
	(void)events;
	http->futile_runs = 0;
	http_run(http);
	return 0;
}

/* ---- start and end ---- */

void http_loop_start(struct http *http)
{
	int fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	http->readable = loop_add_io(http->event, fd, EPOLLIN, on_readable, http);
}

void http_loop_end(struct http *http)
{
	loop_drop(&http->readable);
	loop_drop(&http->again);
	loop_drop(&http->timer.source);
}

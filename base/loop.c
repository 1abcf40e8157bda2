/* Additions to sd-event: signal handling, exact timers, and files that epoll refuses. */
#include "base/loop.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

static bool add_signals(sd_event *event, sd_event_signal_handler_t fn, void *data, struct err *err)
{
	static const int ending[] = { SIGTERM, SIGINT };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD); /* required by sd_event_add_child */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		return err_errno(err, "cannot set up signals");
	}
	for (size_t i = 0; i < 2; i++) {
		/* Without a handler, sd-event ends the loop with the code in data. */
		int r = sd_event_add_signal(event, NULL, ending[i], fn, data);
		if (r < 0) {
			errno = -r;
			return err_errno(err, "cannot watch signal %d", ending[i]);
		}
	}
	return true;
}

sd_event *loop_new(struct err *err)
{
	return loop_new_ending_by(NULL, NULL, err);
}

sd_event *loop_new_ending_by(sd_event_signal_handler_t fn, void *data, struct err *err)
{
	auto_event sd_event *event = NULL;
	int r = sd_event_new(&event);
	if (r < 0) {
		errno = -r;
		err_errno(err, "cannot create an event loop");
		return NULL;
	}
	return add_signals(event, fn, data, err) ? take_ptr(&event) : NULL;
}

void loop_drop(sd_event_source **source)
{
	*source = sd_event_source_disable_unref(*source);
}

/*
 * Adding a source fails only if memory is exhausted or because of a programming error.  A loop that
 * has ended refuses sources (ESTALE); callers that clean up after it then get NULL.
 */
static bool added(int r)
{
	if (r < 0 && r != -ESTALE) {
		abort();
	}
	return r >= 0;
}

sd_event_source *loop_after_ms(sd_event *event, uint64_t ms, sd_event_time_handler_t fn, void *data)
{
	sd_event_source *source = NULL;
	uint64_t when;
	if (__builtin_mul_overflow(ms, (uint64_t)1000, &when) ||
		__builtin_add_overflow(when, loop_now_us(), &when)) {
		when = UINT64_MAX;
	}
	added(sd_event_add_time(event, &source, CLOCK_MONOTONIC, when, 1, fn, data));
	return source;
}

/* Replaces an I/O source for a file that is always ready. */
struct ready {
	int fd;
	uint32_t events;
	sd_event_io_handler_t fn;
	void *data;
};

static int on_ready(sd_event_source *source, void *data)
{
	struct ready *ready = data;
	return ready->fn(source, ready->fd, ready->events, ready->data);
}

static sd_event_source *add_ready(sd_event *event, struct ready with)
{
	sd_event_source *source = NULL;
	struct ready *ready = must(malloc(sizeof(*ready)));
	*ready = with;
	if (!added(sd_event_add_defer(event, &source, on_ready, ready))) {
		free(ready);
		return NULL;
	}
	sd_event_source_set_destroy_callback(source, free);
	sd_event_source_set_enabled(source, SD_EVENT_ON);
	/* It is always pending, so at normal priority it would be served before all others. */
	sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
	return source;
}

sd_event_source *loop_add_io(
	sd_event *event, int fd, uint32_t events, sd_event_io_handler_t fn, void *data)
{
	sd_event_source *source = NULL;
	int r = sd_event_add_io(event, &source, fd, events, fn, data);
	if (r == -EPERM) {
		return add_ready(event, (struct ready){ fd, events, fn, data });
	}
	added(r);
	return source;
}

/* On a duplicate, because epoll accepts each descriptor only once. */
sd_event_source *loop_on_hangup(sd_event *event, int fd, sd_event_io_handler_t fn, void *data)
{
	sd_event_source *source = NULL;
	auto_close int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0 || sd_event_add_io(event, &source, own, 0, fn, data) < 0) {
		return NULL;
	}
	sd_event_source_set_io_fd_own(source, true);
	take_fd(&own);
	return source;
}

void loop_enable(sd_event_source *source, bool on)
{
	if (source) {
		sd_event_source_set_enabled(source, on ? SD_EVENT_ON : SD_EVENT_OFF);
	}
}

sd_event_source *loop_defer(sd_event *event, sd_event_handler_t fn, void *data)
{
	sd_event_source *source = NULL;
	added(sd_event_add_defer(event, &source, fn, data));
	return source;
}

uint64_t loop_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

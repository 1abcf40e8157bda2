/*
 * Waits until another process has created a template, has given up, or has died: its lock on the
 * incomplete directory ends in each case.  The kernel reports that the descriptor was closed; the
 * lock is released a moment later without an event, so this checks once more after a delay.
 */

#include "vm/lifecycle/template.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>

#define A_MOMENT_MS 20
#define COLD_FACTOR \
	60 /* start timeouts: the other process has ten to boot, opens programs and writes */

struct template_wait {
	struct vm_pool *pool;
	template_wait_fn *fn;
	void *data;
	int dir, inotify;
	sd_event_source *events, *moment, *limit, *over;
};

static void stop_looking(struct template_wait *wait)
{
	loop_drop(&wait->events);
	loop_drop(&wait->moment);
	loop_drop(&wait->limit);
	if (wait->inotify >= 0) {
		close(take_fd(&wait->inotify));
	}
	if (wait->dir >= 0) {
		close(take_fd(&wait->dir));
	}
}

void template_wait_free(struct template_wait *wait)
{
	if (wait) {
		stop_looking(wait);
		loop_drop(&wait->over);
		free(wait);
	}
}

static int on_over(sd_event_source *source, void *data)
{
	struct template_wait *wait = data;
	(void)source;
	wait->fn(NULL, wait->data);
	return 0;
}

static void over(struct template_wait *wait)
{
	stop_looking(wait);
	if (!wait->over) {
		wait->over = loop_defer(wait->pool->event, on_over, wait);
	}
}

static bool is_free(struct template_wait *wait)
{
	return flock(wait->dir, LOCK_SH | LOCK_NB) == 0;
}

static int on_moment(sd_event_source *source, uint64_t usec, void *data)
{
	struct template_wait *wait = data;
	(void)source;
	(void)usec;
	loop_drop(&wait->moment);
	if (is_free(wait)) {
		over(wait);
	}
	return 0;
}

static int on_events(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct template_wait *wait = data;
	char bytes[4096] __attribute__((aligned(8)));
	(void)source;
	(void)events;
	while (read(fd, bytes, sizeof(bytes)) > 0) {
	}
	if (is_free(wait)) {
		over(wait);
	} else if (!wait->moment) {
		wait->moment = loop_after_ms(wait->pool->event, A_MOMENT_MS, on_moment, wait);
	}
	return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *data)
{
	struct template_wait *wait = data;
	struct err err;
	(void)source;
	(void)usec;
	err_set(&err, ERR_TIMEOUT,
		"another process has been creating it for %lld ms and has not finished",
		(long long)(COLD_FACTOR * wait->pool->config.start_timeout_ms));
	wait->fn(&err, wait->data);
	return 0;
}

/* False: there is nothing left to wait for. */
static bool look(struct template_wait *wait, const char *path)
{
	wait->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	wait->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (wait->dir < 0 || wait->inotify < 0 ||
		inotify_add_watch(wait->inotify, path,
			IN_CLOSE | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR) < 0) {
		return false;
	}
	wait->events = loop_add_io(wait->pool->event, wait->inotify, EPOLLIN, on_events, wait);
	return !is_free(wait);
}

struct template_wait *template_wait_new(
	struct vm_pool *pool, const char *key, template_wait_fn *fn, void *data)
{
	struct template_wait *wait = must(calloc(1, sizeof(*wait)));
	auto_free char *path = state_unfinished(pool->state, STATE_TEMPLATES, key);
	wait->pool = pool;
	wait->fn = fn;
	wait->data = data;
	wait->dir = wait->inotify = -1;
	wait->limit = loop_after_ms(pool->event,
		(uint64_t)(COLD_FACTOR * pool->config.start_timeout_ms), on_limit, wait);
	if (!look(wait, path)) {
		over(wait);
	}
	return wait;
}

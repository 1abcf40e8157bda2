/* The pipe is closed at the end of the input, or when the program has closed its end. */
#include "vm/agent/process/input_feed.h"

#include "base/cleanup.h"
#include "base/outq.h"

#include <unistd.h>

struct input_feed {
	struct outq *out; /* NULL: closed */
	int fd;           /* -1: closed */
	size_t owed;      /* bytes pushed and not reported as taken */
	bool ending, broken;
	void (*taken)(size_t len, void *data);
	void *data;
};

static void close_pipe(struct input_feed *feed)
{
	outq_free(take_ptr(&feed->out));
	if (feed->fd >= 0) {
		close(take_fd(&feed->fd));
	}
}

static void report(struct input_feed *feed)
{
	size_t len = feed->owed;
	feed->owed = 0;
	feed->taken(len, feed->data);
}

static void on_drained(void *data)
{
	struct input_feed *feed = data;
	if (feed->ending) {
		close_pipe(feed);
	}
	report(feed);
}

static void on_broken(const struct err *why, void *data)
{
	struct input_feed *feed = data;
	(void)why;
	feed->broken = true;
	close_pipe(feed);
	report(feed);
}

struct input_feed *input_feed_new(
	sd_event *event, int fd, void (*taken)(size_t len, void *data), void *data)
{
	struct input_feed *feed = must(calloc(1, sizeof(*feed)));
	feed->fd = fd;
	feed->taken = taken;
	feed->data = data;
	feed->out = outq_new(event, fd, on_broken, on_drained, feed);
	return feed;
}

void input_feed_push(struct input_feed *feed, const void *bytes, size_t len)
{
	feed->owed += len;
	if (feed->out) {
		outq_push(feed->out, bytes, len);
	}
	if (!feed->out || outq_pending(feed->out) == 0) {
		report(feed);
	}
}

void input_feed_end(struct input_feed *feed)
{
	feed->ending = true;
	if (feed->out && outq_pending(feed->out) == 0) {
		close_pipe(feed);
	}
}

bool input_feed_is_open(const struct input_feed *feed)
{
	return feed->out && !feed->ending;
}

bool input_feed_is_broken(const struct input_feed *feed)
{
	return feed->broken;
}

size_t input_feed_pending(const struct input_feed *feed)
{
	return feed->out ? outq_pending(feed->out) : 0;
}

void input_feed_free(struct input_feed *feed)
{
	if (feed) {
		close_pipe(feed);
		free(feed);
	}
}

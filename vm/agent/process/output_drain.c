/* A sink belongs to its event source, which frees it; released, the source belongs to the loop. */
#include "vm/agent/process/output_drain.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>

#define KEEP 2048

struct sink {
	sd_event_source *source;
	bool released, ended;
	size_t len;
	char kept[2 * KEEP]; /* the newest KEEP bytes are at its end once it is full */
};

static void keep(struct sink *sink, const char *bytes, size_t len)
{
	if (sink->len + len > sizeof(sink->kept)) { /* len is at most KEEP */
		size_t rest = sink->len < KEEP ? sink->len : KEEP;
		memmove(sink->kept, sink->kept + sink->len - rest, rest);
		sink->len = rest;
	}
	memcpy(sink->kept + sink->len, bytes, len);
	sink->len += len;
}

/* False when there is nothing to read right now. */
static bool swallow(struct sink *sink, int fd)
{
	char bytes[KEEP];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n > 0) {
		keep(sink, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		sink->ended = true;
	}
	return n > 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct sink *sink = data;
	(void)events;
	swallow(sink, fd);
	if (sink->ended) {
		loop_enable(source, false);
		if (sink->released) {
			sd_event_source_set_floating(source, false); /* the last reference */
		}
	}
	return 0;
}

struct sink *sink_new(sd_event *event, int fd)
{
	struct sink *sink = must(calloc(1, sizeof(*sink)));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	sink->source = loop_add_io(event, fd, EPOLLIN, on_output, sink);
	if (!sink->source) { /* the loop has ended: so has the reading */
		close(fd);
		sink->ended = true;
		return sink;
	}
	sd_event_source_set_io_fd_own(sink->source, true);
	sd_event_source_set_destroy_callback(sink->source, free);
	return sink;
}

struct sink *sink_open(sd_event *event, int *ret_write_end)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return NULL;
	}
	*ret_write_end = ends[1];
	return sink_new(event, ends[0]);
}

char *sink_text(struct sink *sink)
{
	int fd = sd_event_source_get_io_fd(sink->source);
	for (int i = 0; i < 64 && !sink->ended && swallow(sink, fd); i++) {
	}
	size_t len = sink->len < KEEP ? sink->len : KEEP;
	char *text = g_utf8_make_valid(sink->kept + sink->len - len, (gssize)len);
	g_strchomp(text);
	char *copy = must(strdup(text));
	g_free(text);
	return copy;
}

void sink_release(struct sink *sink)
{
	if (!sink) {
		return;
	}
	sd_event_source *source = sink->source;
	sink->released = true;
	if (!source) {
		free(sink);
		return;
	}
	if (!sink->ended) {
		sd_event_source_set_floating(source, true);
	}
	sd_event_source_unref(source);
}

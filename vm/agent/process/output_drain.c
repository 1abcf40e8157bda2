/* The event source owns and frees the drain.  After the release, the loop owns the source. */
#include "vm/agent/process/output_drain.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>

#define KEEP 2048

struct output_drain {
	sd_event_source *source;
	bool released, ended;
	size_t len;
	char kept[2 * KEEP]; /* if full, the newest KEEP bytes are at its end */
};

static void keep(struct output_drain *drain, const char *bytes, size_t len)
{
	if (drain->len + len > sizeof(drain->kept)) { /* len is at most KEEP */
		size_t rest = drain->len < KEEP ? drain->len : KEEP;
		memmove(drain->kept, drain->kept + drain->len - rest, rest);
		drain->len = rest;
	}
	memcpy(drain->kept + drain->len, bytes, len);
	drain->len += len;
}

/* False if there is nothing to read now. */
static bool swallow(struct output_drain *drain, int fd)
{
	char bytes[KEEP];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n > 0) {
		keep(drain, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		drain->ended = true;
	}
	return n > 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct output_drain *drain = data;
	(void)events;
	swallow(drain, fd);
	if (drain->ended) {
		loop_enable(source, false);
		if (drain->released) {
			sd_event_source_set_floating(source, false); /* the last reference */
		}
	}
	return 0;
}

struct output_drain *output_drain_new(sd_event *event, int fd)
{
	struct output_drain *drain = must(calloc(1, sizeof(*drain)));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	drain->source = loop_add_io(event, fd, EPOLLIN, on_output, drain);
	if (!drain->source) { /* the loop has ended */
		close(fd);
		drain->ended = true;
		return drain;
	}
	sd_event_source_set_io_fd_own(drain->source, true);
	sd_event_source_set_destroy_callback(drain->source, free);
	return drain;
}

struct output_drain *output_drain_open(sd_event *event, int *ret_write_end)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return NULL;
	}
	*ret_write_end = ends[1];
	return output_drain_new(event, ends[0]);
}

char *output_drain_text(struct output_drain *drain)
{
	int fd = sd_event_source_get_io_fd(drain->source);
	for (int i = 0; i < 64 && !drain->ended && swallow(drain, fd); i++) {
	}
	size_t len = drain->len < KEEP ? drain->len : KEEP;
	char *text = g_utf8_make_valid(drain->kept + drain->len - len, (gssize)len);
	g_strchomp(text);
	char *copy = must(strdup(text));
	g_free(text);
	return copy;
}

void output_drain_release(struct output_drain *drain)
{
	if (!drain) {
		return;
	}
	sd_event_source *source = drain->source;
	drain->released = true;
	if (!source) {
		free(drain);
		return;
	}
	if (!drain->ended) {
		sd_event_source_set_floating(source, true);
	}
	sd_event_source_unref(source);
}

/* The output of a sandbox, kept to explain its end.  Programs inside may have written it. */

#include "vm/confine/console.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/quote.h"
#include "vm/confine/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define READ_SIZE 4096
#define WINDOW_MS 1000
#define SAID_MAX 250 /* bytes quoted in an error */

static void keep(struct console *c, const char *bytes, size_t len)
{
	buf_append(&c->text, bytes, len);
	if (c->text.len > CONSOLE_TEXT_MAX) {
		size_t too_many = c->text.len - CONSOLE_TEXT_MAX / 2;
		buf_consume(&c->text, too_many);
		c->before -= c->before < too_many ? c->before : too_many;
	}
}

/* A full file is restarted with the remembered text. */
static void write_log(struct console *c, const char *bytes, size_t len)
{
	if (c->log < 0) {
		return;
	}
	if (c->logged + len > CONSOLE_LOG_MAX) {
		bytes = buf_text(&c->text);
		len = c->text.len;
		c->logged = 0;
		if (ftruncate(c->log, 0) < 0) {
			return;
		}
	}
	ssize_t n = write(c->log, bytes, len); /* O_APPEND; a full disk loses the log only */
	c->logged += n > 0 ? (size_t)n : 0;
}

/* False if nothing can be read now, or ever. */
static bool read_some(struct console_source *s)
{
	char bytes[READ_SIZE];
	ssize_t n = read(s->fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	if (n <= 0) {
		loop_drop(&s->io);
		return false;
	}
	struct console *c = s->console;
	log_debug("sandbox=%s output: %.*s", c->id, (int)n, bytes);
	keep(c, bytes, (size_t)n);
	write_log(c, bytes, (size_t)n);
	c->spent += (size_t)n;
	return true;
}

static void enable_all(struct console *c, bool on)
{
	for (size_t i = 0; i < 2; i++) {
		loop_enable(c->sources[i].io, on);
	}
}

static int on_window_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct console *c = data;
	(void)source;
	(void)usec;
	loop_drop(&c->window);
	c->spent = 0;
	enable_all(c, true);
	return 0;
}

/* A source above its rate is paused; others are not affected. */
static int on_output(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct console_source *s = data;
	struct console *c = s->console;
	sd_event *event = sd_event_source_get_event(source);
	(void)fd;
	(void)events;
	if (!c->window) {
		c->window = loop_after_ms(event, WINDOW_MS, on_window_over, c);
	}
	if (!read_some(s)) {
		return 0;
	}
	if (c->spent >= CONSOLE_RATE) {
		enable_all(c, false);
	}
	if (c->on_output) {
		c->on_output(c->data);
	}
	return 0;
}

void console_init(struct console *c, const char *id, const char *dir)
{
	auto_buf struct buf path = { 0 };
	char bytes[READ_SIZE];
	*c = (struct console){ .id = id, .log = -1 };
	c->sources[0].fd = c->sources[1].fd = -1;
	if (!dir) {
		return;
	}
	buf_printf(&path, "%s/console.log", dir);
	c->log = open(buf_text(&path), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	for (ssize_t n; c->log >= 0 && (n = read(c->log, bytes, sizeof(bytes))) > 0;) {
		keep(c, bytes, (size_t)n);
		c->logged += (size_t)n;
	}
	c->before = c->text.len;
}

void console_add(struct console *c, sd_event *event, int fd)
{
	struct console_source *s = &c->sources[c->sources[0].fd >= 0];
	int flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	s->console = c;
	s->fd = fd;
	s->io = loop_add_io(event, fd, EPOLLIN, on_output, s);
}

void console_drain(struct console *c)
{
	for (size_t i = 0; i < 2; i++) {
		for (int turns = 0; turns < 64 && c->sources[i].io && read_some(&c->sources[i]);) {
			turns++;
		}
	}
}

bool console_said(const struct console *c, const char *text)
{
	return c->text.len > c->before &&
	       memmem(c->text.data + c->before, c->text.len - c->before, text, strlen(text));
}

void console_explain(const struct console *c, bool starting, struct err *why)
{
	struct err first = *why;
	char quote[QUOTE_MAX];
	const char *advice = starting ? host_advice(buf_text(&c->text)) : NULL;
	quote_end(quote, buf_text(&c->text), c->text.len, SAID_MAX);
	bool silent = strcmp(quote, "\"\"") == 0;
	err_set(why, first.kind, "%s%s%s%s%s%s", first.text,
		silent ? "" : " (last lines of its output: ", silent ? "" : quote,
		silent ? "" : ")", advice ? "; " : "", advice ? advice : "");
}

void console_done(struct console *c)
{
	loop_drop(&c->window);
	for (size_t i = 0; i < 2; i++) {
		loop_drop(&c->sources[i].io);
		if (c->sources[i].console) {
			close(c->sources[i].fd);
		}
	}
	buf_done(&c->text);
	if (c->log > 0) {
		close(c->log);
	}
	*c = (struct console){ .log = -1 };
}

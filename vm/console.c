/* The last words of a machine. */

#include "vm/console.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define READ_SIZE 4096
#define QUOTE_MAX 400

static void keep(struct console *c, const char *bytes, size_t len)
{
	buf_append(&c->text, bytes, len);
	if (c->text.len > CONSOLE_TEXT_MAX) {
		size_t too_many = c->text.len - CONSOLE_TEXT_MAX / 2;
		buf_consume(&c->text, too_many);
		c->before -= c->before < too_many ? c->before : too_many;
	}
}

/* A full file begins again with what is remembered. */
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

/* False when nothing is there now, or never will be. */
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
	keep(s->console, bytes, (size_t)n);
	write_log(s->console, bytes, (size_t)n);
	return true;
}

static int on_words(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	struct console *c = ((struct console_source *)data)->console;
	if (read_some(data) && c->on_words) {
		c->on_words(c->data);
	}
	return 0;
}

void console_init(struct console *c, const char *dir)
{
	auto_buf struct buf path = { 0 };
	char bytes[READ_SIZE];
	*c = (struct console){ .log = -1 };
	c->sources[0].fd = c->sources[1].fd = -1;
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
	s->io = loop_add_io(event, fd, EPOLLIN, on_words, s);
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

/* Lines are joined, terminals' escape sequences and other control bytes dropped. */
const char *console_last_words(const struct console *c, size_t max)
{
	static char words[QUOTE_MAX + 1];
	size_t n = 0, end = c->text.len;
	max = max > QUOTE_MAX ? QUOTE_MAX : max;
	while (end && isspace(c->text.data[end - 1])) {
		end--;
	}
	for (size_t i = end > max ? end - max : 0; i < end; i++) {
		unsigned char byte = c->text.data[i];
		bool space = isspace(byte);
		if ((space && n && words[n - 1] != ' ') || (byte > ' ' && byte < 0x7f)) {
			words[n++] = space ? ' ' : (char)byte;
		}
	}
	words[n] = '\0';
	return words;
}

void console_done(struct console *c)
{
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

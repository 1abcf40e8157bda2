#ifndef VM_CONSOLE_H
#define VM_CONSOLE_H

#include "base/buf.h"

#include <systemd/sd-event.h>

/*
 * What a machine says that nobody asked: its serial console and QEMU's own stderr, kept to quote
 * from when it ends, and in a file for people.  Both are bounded, however much comes.
 */

struct console {
	struct console_source {
		struct console *console;
		int fd;
		sd_event_source *io;
	} sources[2];
	struct buf text;              /* the last words of all sources */
	size_t before;                /* bytes of it that an earlier machine said */
	int log;                      /* console.log; -1: none */
	size_t logged;                /* bytes in it */
	void (*on_words)(void *data); /* more came; NULL: nobody listens */
	void *data;
};

#define CONSOLE_TEXT_MAX 16384
#define CONSOLE_LOG_MAX (256 << 10)

/* dir: where console.log is or goes; what is in it already counts as said.  A log that cannot be
 * written is none. */
void console_init(struct console *console, const char *dir);
/* fd: the serial line's or stderr's, taken. */
void console_add(struct console *console, sd_event *event, int fd);
/* Reads what is there already, once its writer has ended. */
void console_drain(struct console *console);
/* Whether this machine said so, lately. */
bool console_said(const struct console *console, const char *text);
/* Its last words on one line, printable, at most max bytes; valid until the next call. */
const char *console_last_words(const struct console *console, size_t max);
void console_done(struct console *console); /* also on a zeroed one */

#endif

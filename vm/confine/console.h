#ifndef VM_CONFINE_CONSOLE_H
#define VM_CONFINE_CONSOLE_H

#include "base/buf.h"
#include "base/err.h"

#include <systemd/sd-event.h>

/*
 * What a sandbox says by itself: the serial console and QEMU's stderr of a machine, the agent's
 * stderr in namespaces.  It is kept to quote from at the sandbox's end, and in a file for people.
 * Both are bounded, and so is the time that it takes: a source that says more than CONSOLE_RATE
 * bytes a second has to wait.
 */

struct console {
	const char *id; /* the sandbox's, for the log; borrowed */
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
	size_t spent; /* bytes read in this second */
	sd_event_source *window;
};

#define CONSOLE_TEXT_MAX 16384
#define CONSOLE_RATE (64 << 10) /* bytes a second, of all sources */
#define CONSOLE_LOG_MAX (256 << 10)

/* dir: where console.log is or goes; what is in it already counts as said.  NULL, or a log that
 * cannot be written: none. */
void console_init(struct console *console, const char *id, const char *dir);
/* fd: the serial line's or stderr's, taken. */
void console_add(struct console *console, sd_event *event, int fd);
/* Reads what is there already, once its writer has ended. */
void console_drain(struct console *console);
/* Whether this machine said so, lately. */
bool console_said(const struct console *console, const char *text);
/* Adds the end of what it said to the reason of its end, in quotes, since anybody inside may have
 * written it.  starting: no program of a user's has run yet, so the host's advice may follow. */
void console_explain(const struct console *console, bool starting, struct err *why);
void console_done(struct console *console); /* also on a zeroed one */

#endif

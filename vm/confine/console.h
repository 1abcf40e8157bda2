#ifndef VM_CONFINE_CONSOLE_H
#define VM_CONFINE_CONSOLE_H

#include "base/buf.h"
#include "base/err.h"

#include <systemd/sd-event.h>

/*
 * The output of a sandbox: the serial console and QEMU's stderr of a VM, the agent's stderr with
 * namespaces.  It is kept for the error message at the sandbox's end, and in a file for operators.
 * Both are bounded, and so is the time spent on it: a source is paused after CONSOLE_RATE bytes per
 * second.
 */

struct console {
	const char *id; /* of the sandbox, for the log; borrowed */
	struct console_source {
		struct console *console;
		int fd;
		sd_event_source *io;
	} sources[2];
	struct buf text;               /* the last output of all sources */
	size_t before;                 /* bytes of it from an earlier VM */
	int log;                       /* console.log; -1: none */
	size_t logged;                 /* its size in bytes */
	void (*on_output)(void *data); /* called after output; NULL: none */
	void *data;
	size_t spent; /* bytes read in the current second */
	sd_event_source *window;
};

#define CONSOLE_TEXT_MAX 16384
#define CONSOLE_RATE (64 << 10) /* bytes per second, of all sources */
#define CONSOLE_LOG_MAX (256 << 10)

/* dir: the directory of console.log, whose contents count as earlier output.  NULL, or a log that
 * cannot be written: no log. */
void console_init(struct console *console, const char *id, const char *dir);
/* fd: the serial line or stderr; taken. */
void console_add(struct console *console, sd_event *event, int fd);
/* Reads the remaining output, after the writer has ended. */
void console_drain(struct console *console);
/* Whether the last output of this VM contains text. */
bool console_said(const struct console *console, const char *text);
/* Appends the end of the output to the error, in quotes, because programs inside may have written
 * it.  starting: no program of a user has run yet, so advice about the host is appended. */
void console_explain(const struct console *console, bool starting, struct err *why);
void console_done(struct console *console); /* also on a zeroed struct */

#endif

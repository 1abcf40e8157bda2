#ifndef VM_AGENT_DESKTOP_CLIPBOARD_READ_H
#define VM_AGENT_DESKTOP_CLIPBOARD_READ_H

#include "vm/agent/desktop/clipboard_data.h"
#include "vm/agent/x11/display.h"
#include "vm/wire/clipboard.h"

#include <sys/queue.h>

/*
 * Reads what is on CLIPBOARD now.  Its living owner is asked, within CLIP_PATIENCE_MS; where that
 * does not answer, and where it is dead, what was kept is good.  When the owner changes meanwhile,
 * the new one is asked.
 */

#define CLIP_READS_MAX 16 /* at once */

struct clip_read;

struct clip_content {
	int type;   /* enum clipboard_type; -1: there is nothing */
	int absent; /* enum clipboard_absence; -1: there is something */
	const void *bytes;
	size_t len;
};
/* content: NULL with err (ERR_TIMEOUT, ERR_LIMIT, ERR_STATE: the X server is gone). */
typedef void clip_read_fn(const struct clip_content *content, const struct err *err, void *data);

/* The reads of one clipboard; its owner fills in the first members. */
struct clip_reads {
	struct display *display;
	const struct clip_atoms *atoms;
	const struct clip_data *kept;
	Window owner; /* another's; None: what is kept is all there is */
	Time since;
	LIST_HEAD(, clip_read) all;
	int n;
};

/* fn fires once, from the loop, unless the read is freed before.  NULL with err: too many. */
struct clip_read *clip_read_new(struct clip_reads *reads, const struct clipboard_wish *wish,
	clip_read_fn *fn, void *data, struct err *err) NODISCARD;
void clip_read_free(struct clip_read *read); /* NULL-safe */

/* What is kept, or the owner, is another. */
void clip_reads_changed(struct clip_reads *reads, Window owner, Time since);
void clip_reads_on_event(struct clip_reads *reads, const XEvent *event);
/* Fails them all. */
void clip_reads_end(struct clip_reads *reads, const struct err *why);

#endif

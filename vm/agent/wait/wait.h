#ifndef VM_AGENT_WAIT_WAIT_H
#define VM_AGENT_WAIT_WAIT_H

#include "base/buf.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/x11/settle.h"
#include "vm/agent/x11/windows.h"

/* The operation `wait`, for the files of its kinds. */

struct wait;

/* One kind of event.  All but `missing` may be NULL. */
struct wait_kind {
	/* Starts watching; what is true already is found by the check() that follows. */
	bool (*begin)(struct wait *w, struct err *err);
	/* Looks whether it has happened: if so, calls wait_happened(). */
	void (*check)(struct wait *w);
	/* Whether check() is due. */
	bool (*event)(struct wait *w, const XEvent *event);
	bool (*damaged)(struct wait *w, const XRectangle *area);
	/* At the timeout: appends a sentence. */
	void (*missing)(struct wait *w, struct buf *out);
	void (*end)(struct wait *w);
};

struct wait {
	struct request *req;
	struct agent *agent;
	struct display *display;
	const struct msg_wait *args;
	const struct wait_kind *kind;
	struct display_listener listener;
	struct settle *settle; /* for what is still moving */
	uint64_t start_us, from;
	sd_event_source *deadline, *due;
	/* of the kinds */
	struct rect area; /* of the screen */
	bool seen;
	Window watched[WINDOWS_MAX];
	size_t n_watched;
	int fd; /* -1: none */
	int watch;
	sd_event_source *source;
	char path[MESSAGE_PATH_MAX + 4096];
	bool open_for_writing;
	struct wait_text *text; /* owned by its kind */
	json_t *match;          /* owned: of the answer; NULL: none */
};

extern const struct wait_kind wait_change, wait_settled, wait_window, wait_window_gone,
	wait_process, wait_file, wait_port, wait_text;

/* Calls check() from the loop. */
void wait_due(struct wait *w);
/* They answer and free it.  window: of the answer, or NULL. */
void wait_happened(struct wait *w, const struct window_info *window, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void wait_give_up(struct wait *w);
void wait_fail(struct wait *w, const struct err *why); /* the same */

#endif

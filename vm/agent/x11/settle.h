#ifndef VM_AGENT_X11_SETTLE_H
#define VM_AGENT_X11_SETTLE_H

#include "vm/agent/x11/display.h"
#include "vm/wire/action.h"

/*
 * Determines when the screen is quiet.  It is watched in 32x32 tiles; a tile that keeps changing (a
 * caret, a spinner, a video) is "moving" and not waited for.
 */

struct settle;

struct settle_result {
	bool settled;      /* false: timeout */
	int64_t waited_ms; /* since settle_wait() */
};

struct settle_handlers {
	/* Half of the quiet time has passed; called again for every later change. */
	void (*nearly)(void *data);
	/* May be NULL.  The screen is quiet: returns whether it is not ready nevertheless, so that
	 * the wait continues with the next change. */
	bool (*unready)(void *data);
	/* Called once, from the loop: nothing except moving tiles has changed for the quiet time,
	 * or timeout. */
	void (*settled)(const struct settle_result *result, void *data);
};

#define SETTLE_RECTS_MAX 32

/* Starts watching; call it before the first input. */
struct settle *settle_new(struct display *d);
/* how: its times.  since_us: a program may react to what was done until then (loop_now_us()). The
 * caller keeps handlers. */
void settle_wait(struct settle *s, const struct observe *how, uint64_t since_us,
	const struct settle_handlers *handlers, void *data);
/* What did not settle, merged into at most SETTLE_RECTS_MAX rectangles of screen pixels.  Returns
 * their number. */
int settle_moving(const struct settle *s, XRectangle *ret_rects);
void settle_free(struct settle *s); /* NULL-safe */

#endif

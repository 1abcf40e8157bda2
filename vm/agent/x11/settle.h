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
	/* May be NULL.  Half of the quiet time has passed; called again for every later change. */
	void (*nearly)(void *data);
	/* May be NULL.  The screen is quiet: returns whether it is not ready nevertheless, so that
	 * the wait continues with the next change. */
	bool (*unready)(void *data);
	/* Called once, from the loop: nothing except moving tiles has changed for the quiet time,
	 * or timeout. */
	void (*settled)(const struct settle_result *result, void *data);
};

/* Starts watching; call it before the first input. */
struct settle *settle_new(struct display *d);
/* Only this area of the screen counts from now on. */
void settle_within(struct settle *s, struct rect area);
/* how: its times.  since_us: a program may react to what was done until then (loop_now_us()). The
 * caller keeps handlers. */
void settle_wait(struct settle *s, const struct observe *how, uint64_t since_us,
	const struct settle_handlers *handlers, void *data);
/* What did not settle, merged into at most 32 rectangles: [[x0, y0, x1, y1]] in a frame of that
 * size.  NULL: everything did. */
json_t *settle_encode_moving(const struct settle *s, struct size frame);
void settle_free(struct settle *s); /* NULL-safe */

#endif

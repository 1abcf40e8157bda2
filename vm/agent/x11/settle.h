#ifndef VM_AGENT_X11_SETTLE_H
#define VM_AGENT_X11_SETTLE_H

#include "vm/agent/x11/display.h"
#include "vm/wire/action.h"

/*
 * When has the screen come to rest?  The screen is watched in 32x32 tiles; a tile that keeps
 * changing (a caret, a spinner, a video) is "moving" and no longer waited for.
 */

struct settle;

struct settle_result {
	bool settled;      /* false: the time ran out first */
	int64_t waited_ms; /* since settle_wait() */
};

struct settle_handlers {
	/* Half of the quiet time has passed; called again for every change after that. */
	void (*nearly)(void *data);
	/* May be NULL.  The screen is quiet: whether it is not what is waited for all the same, so
	 * that the next change is waited for. */
	bool (*unready)(void *data);
	/* Once, from the loop: nothing unmoving has changed for the quiet time, or time is up. */
	void (*settled)(const struct settle_result *result, void *data);
};

#define SETTLE_RECTS_MAX 32

/* Watches from now on: call it before the first input. */
struct settle *settle_new(struct display *d);
/* how: its times.  since_us: a program may react to what was done until then (loop_now_us()).
 * handlers stay the caller's. */
void settle_wait(struct settle *s, const struct observe *how, uint64_t since_us,
	const struct settle_handlers *handlers, void *data);
/* What never stopped, merged into at most SETTLE_RECTS_MAX rectangles of screen pixels.  Returns
 * how many. */
int settle_moving(const struct settle *s, XRectangle *ret_rects);
void settle_free(struct settle *s); /* NULL-safe */

#endif

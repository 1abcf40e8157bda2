#ifndef VM_AGENT_WINDOW_WINDOW_SHOT_H
#define VM_AGENT_WINDOW_WINDOW_SHOT_H

#include "vm/agent/x11/display.h"
#include "vm/picture/image.h"

/* One picture of one window, with its menus and dialogs, whole even where others cover it.  Covered
 * parts must be painted by the program, which is waited for. */

struct window_shot;

struct window_picture {
	struct image
		image; /* valid until window_shot_free(), and may be modified; with the pointer */
	struct rect place; /* of it on the screen, in screen pixels; parts may be outside */
	bool covered;      /* other windows lie over it */
	bool partial;      /* the program did not paint all of it in time: that part is plain */
	char title[256];
};

/* Called once, from the loop, with the picture or an error; window_shot_free() is allowed inside. */
typedef void window_shot_fn(
	const struct window_picture *picture, const struct err *err, void *data);

/* number: of a managed window; quiet_ms: covered parts are complete after this time without
 * painting, or half of it if the program says when it has read its events.  ERR_NOT_FOUND: there is none; ERR_STATE: it is not shown, and the
 * error says what shows it. */
struct window_shot *window_shot_new(struct display *d, uint32_t number, uint64_t quiet_ms,
	window_shot_fn *fn, void *data, struct err *err) NODISCARD;
void window_shot_free(struct window_shot *s); /* without a callback; NULL-safe */

#endif

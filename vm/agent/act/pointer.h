#ifndef VM_AGENT_ACT_POINTER_H
#define VM_AGENT_ACT_POINTER_H

#include "vm/agent/act/step.h"
#include "vm/agent/x11/input.h"
#include "vm/wire/action.h"

/* Clicks, wheel and drags.  Points are screen pixels. */

int pointer_button(enum action_button button); /* X's number */
void pointer_scroll(struct input *in, enum action_direction direction, int amount);

/* One to three clicks at one place, with the timing of vm/agent/x11/input.h; the first press is
 * sent immediately. */
struct clicks;

struct clicks *clicks_start(
	struct input *in, enum action_button button, int count, step_fn *fn, void *data);
void clicks_free(struct clicks *clicks); /* stops; a pressed button stays pressed.  NULL-safe */

/* A drag that drop targets recognize: press, pause, many small steps, pause, release. */
struct drag;

struct drag *drag_start(struct input *in, struct point from, struct point to,
	enum action_button button, step_fn *fn, void *data);
/* Only the small steps, for a move with a pressed button. */
struct drag *drag_glide(
	struct input *in, struct point from, struct point to, step_fn *fn, void *data);
void drag_free(struct drag *drag); /* stops; a pressed button stays pressed.  NULL-safe */

#endif

#ifndef VM_AGENT_ACT_TYPING_H
#define VM_AGENT_ACT_TYPING_H

#include "vm/agent/act/step.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap.h"
#include "vm/agent/x11/keys.h"

/* Converts text and key combinations to key events: exact, at full speed, on any layout. */

struct typing;

/* All start immediately and continue in the background; step_fn is called at the end.  Typing fails
 * with ERR_STATE if the layout changed before the text was read.  A program that answers no pings
 * (xterm, Tk) counts as having read it when the keys are sent. */
struct typing *typing_text(
	struct input *in, struct keymap *map, const char *text, step_fn *fn, void *data);
struct typing *typing_chords(struct input *in, struct keymap *map, const struct chord *chords,
	int count, int repeat, step_fn *fn, void *data);
/* Presses the keys and leaves them pressed, for input_release_keys(). */
struct typing *typing_press(
	struct input *in, struct keymap *map, const struct chord *chord, step_fn *fn, void *data);
/* Stops; pressed keys stay pressed.  NULL-safe. */
void typing_free(struct typing *t);

int64_t typing_done_count(const struct typing *t); /* characters, or key combinations, delivered */

#endif

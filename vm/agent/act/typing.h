#ifndef VM_AGENT_ACT_TYPING_H
#define VM_AGENT_ACT_TYPING_H

#include "vm/agent/act/step.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap.h"
#include "vm/agent/x11/keys.h"

/* Text and chords into key events: exact, at full speed, on any layout. */

struct typing;

/* All begin at once and go on in the background; step_fn is told when they are done.  Text ends with
 * ERR_STATE when the layout changed before it was read; a program that answers no ping (xterm, Tk) is
 * taken to have read it when the keys are sent. */
struct typing *typing_text(
	struct input *in, struct keymap *map, const char *text, step_fn *fn, void *data);
struct typing *typing_chords(struct input *in, struct keymap *map, const struct chord *chords,
	int count, int repeat, step_fn *fn, void *data);
/* Presses the chord's keys and leaves them down, for input_release_keys(). */
struct typing *typing_press(
	struct input *in, struct keymap *map, const struct chord *chord, step_fn *fn, void *data);
/* Stops; what is held stays held.  NULL-safe. */
void typing_free(struct typing *t);

int64_t typing_done_count(const struct typing *t); /* characters, or chords, delivered */

#endif

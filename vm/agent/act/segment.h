#ifndef VM_AGENT_ACT_SEGMENT_H
#define VM_AGENT_ACT_SEGMENT_H

#include "vm/agent/act/strokes.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap.h"

/* A segment is what can be sent in one flush: as many strokes as the spare keycodes are enough for,
 * up to a pause. */

#define SEGMENT_MAX 1000 /* strokes; what a cancel may come too late for */

struct segment {
	struct input *in;
	struct keymap *map;
	struct key keys[SEGMENT_MAX]; /* of the strokes planned */
	unsigned shift;               /* the Shift key, 0 without one */
	bool shift_ours;              /* held by us for a stroke's sake */
	KeyCode pressed;              /* last */
	Window focus;                 /* while sent: None until somebody asks */
};

/* Before a plan: finds the Shift key of the map as it is. */
void segment_begin(struct segment *s);
/*
 * Finds a key for each of the first strokes, `most` at most, and gives spares their new meanings.
 * Returns for how many; ret_map_changed: that was needed.
 */
size_t segment_plan(struct segment *s, const struct stroke *strokes, size_t n, size_t most,
	bool *ret_map_changed);
/* Whether Shift is there, if one of the first n keys needs it. */
bool segment_has_shift(const struct segment *s, size_t n);
/* Whether there is no spare at all and one of the strokes needs one. */
bool segment_lacks_spares(const struct segment *s, const struct stroke *strokes, size_t n);

/* Sends the n strokes that are planned, and waits until the server has done it.  Returns how many
 * characters or chords are complete with them. */
int64_t segment_send(struct segment *s, const struct stroke *strokes, size_t n);
/*
 * Whether another client's grab keeps keys from everybody: the server holds back what is pressed
 * meanwhile, and shows it to nobody.  Presses Shift, which harms not.
 */
bool segment_is_frozen(struct segment *s);

#endif

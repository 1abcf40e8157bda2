#ifndef VM_AGENT_ACT_SEGMENT_H
#define VM_AGENT_ACT_SEGMENT_H

#include "vm/agent/act/strokes.h"
#include "vm/agent/x11/input.h"
#include "vm/agent/x11/keymap.h"

/* A segment is what can be sent in one flush: as many strokes as there are spare keycodes, up to a
 * pause. */

#define SEGMENT_MAX 1000 /* strokes; once sent they cannot be cancelled */

struct segment {
	struct input *in;
	struct keymap *map;
	struct key keys[SEGMENT_MAX]; /* of the planned strokes */
	unsigned shift;               /* the Shift key, 0 without one */
	bool shift_ours;              /* pressed for a stroke */
	KeyCode pressed;              /* last */
	Window focus;                 /* while sending: None until determined */
};

/* Before a plan: finds the Shift key of the current map. */
void segment_begin(struct segment *s);
/*
 * Finds a key for each of the first strokes, `most` at most, and assigns spares. Returns the number
 * of strokes planned; ret_map_changed: spares were assigned.
 */
size_t segment_plan(struct segment *s, const struct stroke *strokes, size_t n, size_t most,
	bool *ret_map_changed);
/* False if one of the first n keys needs Shift and the layout has none. */
bool segment_has_shift(const struct segment *s, size_t n);
/* Whether there are no spares and one of the strokes needs one. */
bool segment_lacks_spares(const struct segment *s, const struct stroke *strokes, size_t n);

/* Sends the n planned strokes and waits until the server has processed them.  Returns the number of
 * characters or key combinations completed by them. */
int64_t segment_send(struct segment *s, const struct stroke *strokes, size_t n);
/*
 * Whether another client's grab freezes the keyboard, so that the server delivers no keys.  Presses
 * Shift, which has no effect by itself.
 */
bool segment_is_frozen(struct segment *s);

#endif

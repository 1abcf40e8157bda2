#ifndef VM_WIRE_ACTION_H
#define VM_WIRE_ACTION_H

#include "base/field.h"

/*
 * One thing done to the desktop.  Every dialect of tools is a translation into a list of these, and
 * the agent runs the list in order.  Coordinates are pixels of the frame space (see
 * vm/wire/messages.h).
 */

enum action_kind {
	ACTION_MOVE,        /* at */
	ACTION_CLICK,       /* at?, button, count, modifiers? */
	ACTION_BUTTON_DOWN, /* at?, button */
	ACTION_BUTTON_UP,   /* at?, button */
	ACTION_DRAG,     /* from?, at, button, modifiers?: interpolated, with a dwell at the end */
	ACTION_SCROLL,   /* at?, direction, amount (wheel clicks), modifiers? */
	ACTION_KEY,      /* text: chords "ctrl+shift+t", several separated by spaces; repeat */
	ACTION_HOLD_KEY, /* text: one chord; ms */
	ACTION_TYPE,     /* text */
	ACTION_WAIT,     /* ms */
	ACTION_KINDS,
};

enum action_button { BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT, BUTTON_BACK, BUTTON_FORWARD };
enum action_direction { SCROLL_UP, SCROLL_DOWN, SCROLL_LEFT, SCROLL_RIGHT };

#define ACTION_LIST_MAX 100    /* actions in one request */
#define ACTION_TEXT_MAX 100000 /* bytes of text to type */
#define ACTION_CHORD_MAX 200   /* bytes of a key text */
#define ACTION_REPEAT_MAX 100
#define ACTION_SCROLL_MAX 100
#define ACTION_MS_MAX 300000 /* longest wait or hold: 5 minutes */
#define ACTION_CLICKS_MAX 3

/* Strings are borrowed.  Members a kind does not use are zero. */
struct action {
	enum action_kind kind;
	struct field_ints at, from; /* count 2, or 0: where the pointer is */
	int button, direction;
	int64_t count, amount, repeat, ms;
	const char *text, *modifiers;
};

extern const char *const action_kind_words[];   /* "move", "click", ... NULL-ended, by enum */
extern const char *const action_button_words[]; /* "left", "middle", "right", "back", "forward" */
extern const char *const action_direction_words[]; /* "up", "down", "left", "right" */

/* {"action": "click", "at": [10, 20], ...}: each kind has a field table of its own. */
json_t *action_encode(const struct action *action);
/* Strings point into `in`.  Checks shapes and bounds; keys and coordinates are checked by the
 * agent, which knows them. */
bool action_decode(const json_t *in, struct action *ret_action, struct err *err) NODISCARD;

bool action_is_input(const struct action *action); /* all but ACTION_WAIT: needs the input lock */

/* ---- what comes back afterwards ---- */

enum observe_mode { OBSERVE_NONE, OBSERVE_FRAME, OBSERVE_SETTLED };
enum observe_format { FORMAT_JPEG, FORMAT_PNG };

extern const char *const observe_mode_words[];   /* "none", "frame", "settled" */
extern const char *const observe_format_words[]; /* "jpeg", "png" */

struct observe {
	int mode;
	int format;
	int64_t quality; /* JPEG, 1 to 100; 80 when absent */
	double scale;    /* 0.1 to 1 of the frame space; 1 when absent */
	struct field_ints
		region; /* [x0,y0,x1,y1] in the frame space, x1 and y1 exclusive; absent: all */
	bool fill;      /* cut from the unscaled screen and scale the region up to the image budget
			   (zoom) */
	bool raw; /* the pixels, for the host to make the image of: emulated, the agent is slow at
		     it */
	int64_t max_bytes;   /* quality, then scale, go down until the image fits */
	int64_t reaction_ms; /* OBSERVE_SETTLED: a program may take so long for its first change;
				300 when absent */
	int64_t quiet_ms;    /* OBSERVE_SETTLED: quiet for this long; 150 when absent */
	int64_t window;      /* OBSERVE_SETTLED: the id of a window that must show more than one
				colour to count as settled; 0: none */
	int64_t timeout_ms;  /* OBSERVE_SETTLED: but no longer than this; 5000 when absent */
};

#define OBSERVE_MAX_BYTES 555000 /* base64 of it stays below 750,000 characters */

extern const struct field observe_fields[];
void observe_init(struct observe *ret_observe, enum observe_mode mode); /* every preset */

#endif

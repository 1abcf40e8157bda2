#ifndef VM_WIRE_ACTION_H
#define VM_WIRE_ACTION_H

#include "base/field.h"
#include "vm/wire/geometry.h"

/*
 * One action on the desktop.  Every dialect of tools translates to a list of actions, which the
 * agent runs in order.  Coordinates are pixels of the frame space (see vm/wire/messages.h).
 */

enum action_kind {
	ACTION_MOVE,        /* at or mark */
	ACTION_CLICK,       /* at? or mark, button, count, modifiers? */
	ACTION_BUTTON_DOWN, /* at?, button */
	ACTION_BUTTON_UP,   /* at?, button */
	ACTION_DRAG,   /* from?, at, button, modifiers?: interpolated, with a pause at the end */
	ACTION_SCROLL, /* at? or mark, direction, amount (wheel clicks), modifiers? */
	/* text: key combinations "ctrl+shift+t", several separated by spaces; repeat */
	ACTION_KEY,
	ACTION_HOLD_KEY, /* text: one key combination; ms */
	/* text: one key combination, held after the list until ACTION_KEY_UP, or until text is typed
	 * or all keys are released */
	ACTION_KEY_DOWN,
	ACTION_KEY_UP, /* text: one key combination */
	ACTION_TYPE,   /* text */
	ACTION_PASTE,  /* text; keys?: one key combination */
	ACTION_WAIT,   /* ms */
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
#define MARKS_MAX 80 /* elements with a number */
#define FRAME_ID_MAX 999999999999

/* Strings are borrowed.  Members that a kind does not use are zero. */
struct action {
	enum action_kind kind;
	struct field_ints at, from; /* count 2, or 0: the pointer position */
	int64_t mark; /* 0, or an element of the last marks (observe.marks_ms), instead of at: its centre */
	int button, direction;
	int64_t count, amount, repeat, ms;
	const char *text, *modifiers, *keys;
};

extern const char *const action_kind_names[];   /* "move", "click", ...; NULL-terminated, by enum */
extern const char *const action_button_names[]; /* "left", "middle", "right", "back", "forward" */
extern const char *const action_direction_names[]; /* "up", "down", "left", "right" */

/* {"action": "click", "at": [10, 20], ...}: each kind has a field table. */
json_t *action_encode(const struct action *action);
/* Strings point into `in`.  Checks types and bounds; the agent checks keys and coordinates. */
bool action_decode(const json_t *in, struct action *ret_action, struct err *err) NODISCARD;

/* all except ACTION_WAIT: requires the input lock */
bool action_is_input(const struct action *action);
bool action_has_point(const struct action *action); /* names a place on the screen */

/* ---- observation ---- */

enum observe_mode { OBSERVE_NONE, OBSERVE_FRAME, OBSERVE_SETTLED };
enum observe_format { FORMAT_JPEG, FORMAT_PNG };

extern const char *const observe_mode_names[];   /* "none", "frame", "settled" */
extern const char *const observe_format_names[]; /* "jpeg", "png" */

struct observe {
	int mode;
	int format;
	int64_t quality; /* JPEG, 1 to 100; default 80 */
	double scale;    /* 0.1 to 1 of the frame space; default 1 */
	struct field_ints
		region; /* [x0,y0,x1,y1] in the frame space, x1 and y1 exclusive; absent: all */
	/* a window's id: only its picture, whole even where others cover it; 0: the screen.  Not with
	 * region, since, only_changes or fill */
	int64_t of_window;
	/* Draw a numbered mark on each element that can be clicked: how long their program has to tell
	 * them; 0: no marks.  Not with region, only_changes or fill */
	int64_t marks_ms;
	int64_t since;     /* a frame id: no image if nothing has changed since; 0: none */
	bool only_changes; /* the image is of what has changed since, or since the first action */
	/* crop from the unscaled screen and scale the region up to the image budget (zoom) */
	bool fill;
	/* return pixels and let the host encode the image, because an emulated agent is slow */
	bool raw;
	int64_t max_bytes;   /* quality, then scale, are reduced until the image fits */
	int64_t reaction_ms; /* OBSERVE_SETTLED: maximum time until the first change; default 300 */
	int64_t quiet_ms;    /* OBSERVE_SETTLED: time without a change; default 150 */
	/* OBSERVE_SETTLED: the id of a window that must show more than one colour; 0: none */
	int64_t window;
	int64_t timeout_ms; /* OBSERVE_SETTLED: maximum time in total; default 5000 */
};

#define OBSERVE_MAX_BYTES 555000 /* its base64 is shorter than 750,000 characters */

extern const struct field observe_fields[];
void observe_init(struct observe *ret_observe, enum observe_mode mode); /* sets all defaults */
/* Whether its region is inside the frame, and its members fit together; field_decode() has checked
 * the rest. */
bool observe_check(const struct observe *how, struct size frame, struct err *err) NODISCARD;

#endif

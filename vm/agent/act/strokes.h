#ifndef VM_AGENT_ACT_STROKES_H
#define VM_AGENT_ACT_STROKES_H

#include "vm/agent/x11/keys.h"

#include <stdbool.h>

/* Text and chords as strokes, one keysym each.  Knows nothing of a keyboard. */

enum stroke_how {
	STROKE_TAP,
	STROKE_PRESS,
	STROKE_LIFT,    /* the key pressed last */
	STROKE_RELEASE, /* all keys */
};

struct stroke {
	uint32_t sym; /* of a tap or a press */
	enum stroke_how how;
	bool ends;  /* a character or chord is complete with it */
	bool holds; /* the last press of a chord: programs must see it before the next stroke */
};

struct strokes {
	struct stroke *all; /* owned */
	size_t n;
	size_t complete; /* characters or chords in all */
	bool has_lock;   /* a key that changes a lasting state */
};

/* Where the first character is that cannot be typed, if any: control characters but newline and
 * tab.  what: the argument's name, for the error. */
bool strokes_check_text(const char *what, const char *text, struct err *err) NODISCARD;

/* How characters above U+FFFF are pressed. */
enum strokes_wide {
	STROKES_WHOLE,
	STROKES_HALVES, /* the two of UTF-16, one after the other */
	STROKES_LATE,   /* behind a key without a character, for programs that hold back others */
};

#define STROKES_LAST_NARROW 0xffffu
#define STROKES_WIDE_MAX 2
/* The keysyms of a character above U+FFFF, to be pressed one after the other; how many. */
int strokes_wide_syms(uint32_t ch, enum strokes_wide wide, KeySym ret_syms[STROKES_WIDE_MAX]);
/* The first character above U+FFFF, 0 without one. */
uint32_t strokes_first_wide(const char *text);
/* text has passed the check. */
struct strokes strokes_of_text(const char *text, enum strokes_wide wide);
struct strokes strokes_of_chords(const struct chord *chords, int count, int repeat);
struct strokes strokes_of_press(const struct chord *chord); /* its keys stay down */
void strokes_done(struct strokes *s);

bool stroke_presses(const struct stroke *stroke);
/* Whether programs need time between this and what comes next. */
bool stroke_pauses(const struct stroke *stroke);

#endif

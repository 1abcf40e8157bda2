#ifndef VM_AGENT_ACT_STROKES_H
#define VM_AGENT_ACT_STROKES_H

#include "vm/agent/x11/keys.h"

#include <stdbool.h>
#include <stdint.h>

/* Text and key combinations as strokes, one keysym each.  Independent of a keyboard. */

enum stroke_how {
	STROKE_TAP,
	STROKE_PRESS,
	STROKE_LIFT,    /* releases the key pressed last */
	STROKE_RELEASE, /* releases all keys */
};

struct stroke {
	uint32_t sym; /* of a tap or a press */
	enum stroke_how how;
	bool ends; /* completes a character or key combination */
	/* the last press of a key combination: programs must see it before the next stroke */
	bool holds;
};

struct strokes {
	struct stroke *all; /* owned */
	size_t n;
	size_t complete; /* total number of characters or key combinations */
	bool has_lock;   /* contains a key with a lasting state */
};

/* Refuses control characters except newline and tab; the error has the position.  what: the
 * argument's name, for the error. */
bool strokes_check_text(const char *what, const char *text, struct err *err) NODISCARD;

/* Characters of a text. */
int64_t strokes_count(const char *text);

/* How characters above U+FFFF are pressed. */
enum strokes_wide {
	STROKES_WHOLE,
	STROKES_HALVES, /* as two keys, the UTF-16 surrogates */
	STROKES_LATE,   /* after a key without a character, for programs that delay others */
};

#define STROKES_LAST_NARROW 0xffffu
#define STROKES_WIDE_MAX 2
/* Fills in the keysyms of a character above U+FFFF, to be pressed in this order; returns their number. */
int strokes_wide_syms(uint32_t ch, enum strokes_wide wide, KeySym ret_syms[STROKES_WIDE_MAX]);
/* The first character above U+FFFF; 0 if none. */
uint32_t strokes_first_wide(const char *text);
/*
 * Whether GTK 3's input method takes the character's key for a dead key or Compose: it compares the
 * last 16 bits of keysyms.  Among them are fullwidth @ (U+FF20) and small commas (U+FE50).
 */
bool strokes_is_composed(uint32_t ch);
bool strokes_has_composed(const char *text);
uint32_t strokes_first_composed(const struct strokes *s); /* 0: none */
/* text must have passed the check.  by_number: presses such characters as U and their hexadecimal
 * number while Ctrl and Shift are down; their release ends it. */
struct strokes strokes_of_text(const char *text, enum strokes_wide wide, bool by_number);
struct strokes strokes_of_chords(const struct chord *chords, int count, int repeat);
struct strokes strokes_of_press(const struct chord *chord); /* its keys stay pressed */
void strokes_done(struct strokes *s);

bool stroke_presses(const struct stroke *stroke);
/* Whether programs need time before the next stroke. */
bool stroke_pauses(const struct stroke *stroke);

#endif

#ifndef VM_AGENT_ACT_USER_KEYS_H
#define VM_AGENT_ACT_USER_KEYS_H

#include "vm/agent/act/seat.h"
#include "vm/agent/act/strokes.h"
#include "vm/agent/x11/key_repeat.h"
#include "vm/agent/x11/keymap_way.h"
#include "vm/agent/x11/program.h"

/* A person's keysyms to keys, and which of them are held down. */

#define USER_KEYS_HELD 32                 /* a further one lets the first go */
#define USER_KEYS_SPARES STROKES_WIDE_MAX /* that one keysym may need */

struct user_keys {
	struct {
		uint32_t keysym;
		KeyCode code;
	} held[USER_KEYS_HELD];
	size_t n;
	KeyCode went_up; /* the last event was its release; 0: another */
	/* Viewers send each repetition, and a release may be late. */
	struct key_repeat repeat;
};

/* Presses it if the layout has it; false: it has not. */
bool user_keys_press_given(
	struct user_keys *u, struct seat *seat, uint32_t keysym, const XkbStateRec *now);
/* Presses it as the program takes it, if there are keys for all of that; the keymap's turn is had. */
bool user_keys_press(struct user_keys *u, struct seat *seat, uint32_t keysym, enum program program,
	const XkbStateRec *now);
/* What was pressed for the keysym, or on the key that has it now. */
void user_keys_release(struct user_keys *u, struct seat *seat, uint32_t keysym);
/* The X server repeats keys again, as before the first press. */
void user_keys_release_all(struct user_keys *u, struct seat *seat);

/* Gives spares to what has no key.  False: there are none just now. */
bool user_keys_assign(
	struct keymap *map, uint32_t keysym, enum program program, const XkbStateRec *now);
/* Whether a spare may have it: not what the X server itself would act on. */
bool user_keys_may_assign(uint32_t keysym);
/* Whether it is a character above U+FFFF, which not all programs take from one key. */
bool user_keys_is_wide(uint32_t keysym);

#endif

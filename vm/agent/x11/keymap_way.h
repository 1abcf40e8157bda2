#ifndef VM_AGENT_X11_KEYMAP_WAY_H
#define VM_AGENT_X11_KEYMAP_WAY_H

#include "vm/agent/x11/keymap.h"

#include <X11/XKBlib.h>

/*
 * How a user's keysym is pressed while modifiers are held and locks are in force.  The keymap has
 * been refreshed, and `now` is the keyboard's state.
 */

struct keymap_way {
	KeyCode code;
	unsigned set, clear; /* modifiers that must be in force for the press, and not */
};

/*
 * The key of the layout, in the group in force, for which the least must change: nothing, Shift,
 * the third level, Caps Lock, Num Lock, in this order.  While Control, Alt or Super is held a letter
 * means its key, whatever its case, and Shift stays as it is.  A key without a character never has
 * Shift taken away.
 */
bool keymap_find_way(
	struct keymap *k, KeySym sym, const XkbStateRec *now, struct keymap_way *ret_way);
/* The spare that has sym, if one has. */
bool keymap_find_spare_way(
	struct keymap *k, KeySym sym, const XkbStateRec *now, struct keymap_way *ret_way);

/* Presses what is needed for the way on the keyboard, and what was before: two lists of keys, and
 * the locks.  keys: what is down. */
struct keymap_detour {
	KeyCode pressed[2], lifted[8];
	int n_pressed, n_lifted;
	unsigned locks; /* changed; their values come from the state before */
};

struct input;
void keymap_detour_begin(struct keymap_detour *detour, struct keymap *k, struct input *in,
	const XkbStateRec *now, const struct keymap_way *way);
void keymap_detour_end(struct keymap_detour *detour, struct input *in, const XkbStateRec *now);

#endif

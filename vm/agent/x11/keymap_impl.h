#ifndef VM_AGENT_X11_KEYMAP_IMPL_H
#define VM_AGENT_X11_KEYMAP_IMPL_H

/* What the keymap*.c files share. */

#include "vm/agent/x11/keymap.h"

#include <X11/XKBlib.h>

XkbDescPtr keymap_xkb(const struct keymap *k); /* NULL before the first refresh */
bool keymap_is_spare(const struct keymap *k, int code);
bool keymap_find_spare(struct keymap *k, KeySym sym, struct key *ret_key);

/* The level that a key's type has for these modifiers. */
int keymap_level_of(XkbKeyTypePtr type, unsigned mods);
bool keymap_is_keypad(KeySym sym);
/* Whether a key with another name than a letter's gives a character. */
bool keymap_is_misplaced(int code, KeySym sym);
/* Of a letter with two cases; sym itself without. */
KeySym keymap_small_of(KeySym sym);
KeySym keymap_capital_of(KeySym sym);

#endif

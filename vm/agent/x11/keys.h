#ifndef VM_AGENT_X11_KEYS_H
#define VM_AGENT_X11_KEYS_H

#include "base/err.h"

#include <X11/X.h>
#include <stddef.h>
#include <stdint.h>

/* Names of keys, and combinations of them.  Independent of a keyboard. */

#define CHORD_KEYS_MAX 8
#define CHORDS_MAX 100

struct chord {
	int count;
	KeySym keys[CHORD_KEYS_MAX];
};

/*
 * "ctrl+shift+t", "ctrl++", "Page_Up", "é"; several combinations are separated by spaces.  With
 * ctrl, alt or super in the combination, a single ASCII capital means the key without shift (ctrl+A
 * is ctrl+a). what: the argument's name, for the error.  Returns the number of combinations written
 * to ret_chords (room for max), 0 on failure.
 */
int keys_parse(const char *what, const char *text, struct chord *ret_chords, int max,
	struct err *err) NODISCARD;

/* The keysym of a character: Latin-1 as itself, others in the Unicode range, which every toolkit
 * reads alike. */
KeySym keys_of_char(uint32_t ch);
/* The character of a keysym; 0 if it has none. */
uint32_t keys_to_char(KeySym sym);
/* Caps_Lock and similar keys with a lasting state. */
bool keys_is_lock(KeySym sym);

/* The code point at *at, which is advanced; 0 at the end of the text, UINT32_MAX if it is not
 * UTF-8. */
uint32_t keys_next_char(const char **at);

#endif

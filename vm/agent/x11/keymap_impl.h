#ifndef VM_AGENT_X11_KEYMAP_IMPL_H
#define VM_AGENT_X11_KEYMAP_IMPL_H

/* What the keymap*.c files share. */

#include "vm/agent/x11/keymap.h"

#include "vm/agent/x11/keymap_readers.h"

#include <X11/XKBlib.h>

#define KEYMAP_CODES 256

/* What the layout gives: one row per reachable code and level. */
struct given {
	KeySym sym;
	uint32_t ch;
	struct key key;
};

struct spare {
	bool is_spare;
	/* its keysym, now or after keymap_apply(); of a letter with a capital, the small one */
	KeySym sym;
	uint64_t used; /* when last pressed or assigned, counted in calls */
	bool waiting;  /* pressed since the reader has caught up */
	bool held;
};

struct keymap {
	struct display *display;
	struct readers *readers;
	XkbDescPtr xkb;
	uint64_t serial, clock;
	uint64_t changes, awaited, settled; /* of the map, by us */
	uint64_t changed_us;
	readers_fn *read;
	void *read_data;
	struct keymap_turn *turns; /* the first has it */
	sd_event_source *next_turn;
	bool is_nameless[KEYMAP_CODES];
	struct given given[KEYMAP_CODES * 2];
	int n_given;
	struct spare spares[KEYMAP_CODES];
	int first_new, last_new; /* codes with keysyms not sent to the server yet */
};

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

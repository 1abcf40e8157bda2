#ifndef VM_AGENT_X11_KEYMAP_H
#define VM_AGENT_X11_KEYMAP_H

#include "base/err.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/keymap_readers.h"

/*
 * Maps keysyms to keys: those of the current layout's first group without or with Shift, and the
 * spare keycodes, which can be assigned any keysym; a small letter and its capital share one. A
 * client looks up a keycode when it handles the event, not when the key was pressed, so a pressed
 * spare keeps its keysym until the reader is known to have caught up.
 */

struct keymap;

struct key {
	KeyCode code;
	bool shift; /* only with Shift held */
};

struct keymap *keymap_new(struct display *d);
void keymap_free(struct keymap *k); /* turns end silently.  NULL-safe */

/*
 * Only one caller at a time assigns and presses spares: the agent's typing or a viewer's input.  The
 * caller owns the struct, zeroed except fn and data, which must not move while map is set.
 */
struct keymap_turn {
	void (*fn)(void *data); /* the turn has come; called from the loop */
	void *data;
	struct keymap *map; /* set while holding or awaiting the turn */
	bool awaited;
	struct keymap_turn *next;
};

/* False: fn is called when the previous turns have ended.  True if it already holds the turn. */
bool keymap_take_turn(struct keymap *k, struct keymap_turn *turn);
/* Also ends the wait for readers.  No effect if the turn is neither held nor awaited. */
void keymap_end_turn(struct keymap_turn *turn);

/* Reads the server's map if another client has changed it.  One round trip, more if it has changed. */
bool keymap_refresh(struct keymap *k, struct err *err) NODISCARD;
/* The same, for a caller whose last request on the display was a round trip. */
bool keymap_update(struct keymap *k, struct err *err) NODISCARD;
/* False if neither the layout nor a spare gives sym. */
bool keymap_find(struct keymap *k, KeySym sym, struct key *ret_key);
/* Reserves a spare for sym, from the next keymap_apply() on; false if none can be reassigned
 * now. */
bool keymap_assign(struct keymap *k, KeySym sym, struct key *ret_key);
/* Sends all new assignments to the server in one request; false if there are none. */
bool keymap_apply(struct keymap *k);
uint64_t keymap_changes(const struct keymap *k);    /* how many were made in this way */
uint64_t keymap_changed_us(const struct keymap *k); /* time of the last one; 0: never */
/* Waits until the program of that window knows them (keymap_readers.h). */
bool keymap_await_readers(struct keymap *k, Window window, readers_fn *fn, void *data);
/* Waits until that window's program has processed its keys, if it answers no pings
 * (keymap_readers.h). */
bool keymap_await_client(struct keymap *k, Window window, uint64_t ms, readers_fn *fn, void *data);
/* Whether all changes were waited for in this way. */
bool keymap_is_settled(const struct keymap *k);
/* The key has been pressed, and must not change until keymap_caught_up(). */
void keymap_used(struct keymap *k, KeyCode code);
/* The key is held, and must not change until it is released. */
void keymap_hold(struct keymap *k, KeyCode code, bool held);
/* keymap_caught_up(): the program has read what was pressed before keymap_mark() was called. */
uint64_t keymap_mark(const struct keymap *k);
void keymap_caught_up(struct keymap *k, uint64_t mark);

int keymap_spares(const struct keymap *k); /* their number */

#endif

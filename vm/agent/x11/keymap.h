#ifndef VM_AGENT_X11_KEYMAP_H
#define VM_AGENT_X11_KEYMAP_H

#include "base/err.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/keymap_readers.h"

/*
 * Which key gives which keysym: what the current layout's first group gives without or with Shift,
 * and the spare keycodes, which can be given any keysym: a small letter and its capital share one.
 * A client looks a keycode up when it
 * handles the event, not when the key was pressed: so a spare that was pressed keeps its meaning
 * until the reader is known to have caught up.
 */

struct keymap;

struct key {
	KeyCode code;
	bool shift; /* only with Shift held */
};

struct keymap *keymap_new(struct display *d);
void keymap_free(struct keymap *k); /* turns end silently.  NULL-safe */

/*
 * Spares are assigned and pressed by one user at a time: the agent's text or a person.  The struct
 * is the user's, zeroed but for fn and data, and stays where it is while map is set.
 */
struct keymap_turn {
	void (*fn)(void *data); /* it is this user's turn now; from the loop */
	void *data;
	struct keymap *map; /* set while the turn is had or awaited */
	bool awaited;
	struct keymap_turn *next;
};

/* False: fn is called when the turns before have ended.  True again for who has it. */
bool keymap_take_turn(struct keymap *k, struct keymap_turn *turn);
/* Ends the wait for readers, too.  Does nothing for a turn neither had nor awaited. */
void keymap_end_turn(struct keymap_turn *turn);

/* Reads the server's map when somebody has changed it since.  One round trip, more when it has changed. */
bool keymap_refresh(struct keymap *k, struct err *err) NODISCARD;
/* The same, for a caller whose last request on the display was a round trip. */
bool keymap_update(struct keymap *k, struct err *err) NODISCARD;
/* false when neither the layout nor a spare gives sym. */
bool keymap_find(struct keymap *k, KeySym sym, struct key *ret_key);
/* Sets a spare apart for sym, from the next keymap_apply() on; false when none may change its
 * meaning now. */
bool keymap_assign(struct keymap *k, KeySym sym, struct key *ret_key);
/* Tells the server of all new assignments in one request; false when there are none. */
bool keymap_apply(struct keymap *k);
uint64_t keymap_changed_us(const struct keymap *k); /* when it did last; 0: never */
/* Waits until the program of that window can know of them (keymap_readers.h). */
bool keymap_await_readers(struct keymap *k, Window window, readers_fn *fn, void *data);
/* Waits until that window's program has worked off its keys, if it answers no pings (keymap_readers.h). */
bool keymap_await_client(struct keymap *k, Window window, uint64_t ms, readers_fn *fn, void *data);
/* Whether there is no change that was not waited for in this way. */
bool keymap_is_settled(const struct keymap *k);
/* The key has been pressed, and is not to change until keymap_caught_up(). */
void keymap_used(struct keymap *k, KeyCode code);
/* The key is held down, and is not to change until it is not. */
void keymap_hold(struct keymap *k, KeyCode code, bool held);
/* The program has read what was pressed before the mark was taken. */
uint64_t keymap_mark(const struct keymap *k);
void keymap_caught_up(struct keymap *k, uint64_t mark);

int keymap_spares(const struct keymap *k); /* how many there are */

#endif

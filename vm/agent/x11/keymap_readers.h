#ifndef VM_AGENT_X11_KEYMAP_READERS_H
#define VM_AGENT_X11_KEYMAP_READERS_H

#include "vm/agent/x11/display.h"

/*
 * Determines which clients have read the keyboard map.  A program with one connection reads the
 * change of the map before the keys that follow it, because events are ordered.  A browser has
 * several: keys arrive on one, and the map on another.  RECORD reports when each of them requests
 * the map, XRes which connections belong to one program.
 */

struct readers;

/* If the server lacks one of the two extensions, nothing is waited for. */
struct readers *readers_new(struct display *d);
void readers_free(struct readers *r); /* NULL-safe */

typedef void readers_fn(void *data);

/*
 * The map was just changed by the change-th XkbSetMap on d since readers_new().  Notifies the
 * program of that window, and calls fn once, from the loop, when its other connections have read
 * the map, too, or are known not to do so. False: there is none to wait for, and fn is not called.
 * One wait at a time.
 */
bool readers_await(struct readers *r, uint64_t change, Window window, readers_fn *fn, void *data);
/*
 * For a program that answers no pings: asks the program of the window in another way, and calls fn
 * once, from the loop, when it has most likely processed all events before the call, or did not
 * answer in time.  What it has painted by then is a further indication.  False: it never answers,
 * and fn is not called.
 */
bool readers_catch_up(struct readers *r, Window window, uint64_t ms, readers_fn *fn, void *data);
void readers_cancel(struct readers *r); /* either wait */

#endif

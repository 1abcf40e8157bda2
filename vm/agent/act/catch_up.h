#ifndef VM_AGENT_ACT_CATCH_UP_H
#define VM_AGENT_ACT_CATCH_UP_H

#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/keymap.h"

/* Waits until the focused program has read its keys; the spares pressed before may then change
 * their meaning (keymap_caught_up()). */

struct catch_up;

/*
 * fn fires once, from the loop, before ms have passed (for a program that cannot be asked: a little
 * later); catch_up_free() is allowed inside.  NULL: the program answers no ping, and must_wait is
 * false.  Whoever waits has the keymap's turn.
 */
struct catch_up *catch_up_start(struct display *d, struct keymap *map, uint64_t ms, bool must_wait,
	client_sync_fn *fn, void *data);
void catch_up_free(struct catch_up *c); /* stops waiting; NULL-safe */

#endif

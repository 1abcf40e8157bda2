#ifndef VM_AGENT_X11_LAYOUT_H
#define VM_AGENT_X11_LAYOUT_H

#include <X11/Xlib.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts, from XKB's events, how often it changed what the keyboard's keys give. */

struct layout {
	int first_event; /* of XKB's */
	unsigned long own_request;
	/* They only move up: */
	uint64_t maps;        /* the map changed, or may have, whoever did it */
	uint64_t others_maps; /* another client changed it */
	uint64_t locks;       /* a group but the first, or a lock, came into force */
};

bool layout_has_xkb(struct layout *l, Display *x); /* first of all */
void layout_watch(Display *x);
bool layout_is_event(const struct layout *l, const XEvent *event);
void layout_count(struct layout *l, const XEvent *event); /* one that is */
/* The next request on x is an XkbSetMap of the agent's.  The events of the one before must have
 * been counted. */
void layout_expect_own(struct layout *l, Display *x);

#endif

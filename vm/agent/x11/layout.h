#ifndef VM_AGENT_X11_LAYOUT_H
#define VM_AGENT_X11_LAYOUT_H

#include <X11/Xlib.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts, from XKB's events, changes of what the keyboard's keys give. */

struct layout {
	int first_event; /* of XKB */
	unsigned long own_request;
	/* They only increase: */
	uint64_t maps;        /* the map changed, or may have, by any client */
	uint64_t others_maps; /* another client changed it */
	uint64_t locks;       /* a group other than the first, or a lock, became active */
};

bool layout_has_xkb(struct layout *l, Display *x); /* must be called first */
void layout_watch(Display *x);
bool layout_is_event(const struct layout *l, const XEvent *event);
void layout_count(struct layout *l, const XEvent *event); /* if it is an XKB event */
/* The next request on x is the agent's XkbSetMap.  The events of the previous one must have been
 * counted. */
void layout_expect_own(struct layout *l, Display *x);

#endif

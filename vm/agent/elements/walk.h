#ifndef VM_AGENT_ELEMENTS_WALK_H
#define VM_AGENT_ELEMENTS_WALK_H

#include "vm/agent/elements/node.h"

/*
 * Reads the elements of a program, from a window downward, as far as the limits reach, all elements
 * of a level at a time.  Everything is read when the calls are idle.
 */
struct walk;

#define WALK_NODES_MAX 4000
#define WALK_LEVELS_MAX 60

struct walk_how {
	bool hidden; /* also elements that are not shown, such as those of a closed menu */
	bool names;  /* of all elements, not only of the listed ones */
	/* Its programs do not say what is shown, only what is visible (GTK 4). */
	bool visible_is_shown;
};

struct walk *walk_new(struct calls *calls, const struct walk_how *how);
void walk_free(struct walk *walk); /* and its nodes; NULL-safe */

/* A window: its own properties, without children.  NULL: the limit was reached, or it is known
 * already. */
struct node *walk_window(struct walk *walk, struct bus_ref ref);
/* What is below it, up to so many levels. */
void walk_below(struct walk *walk, struct node *window, int levels);

struct calls *walk_calls(const struct walk *walk);
bool walk_is_shown(const struct walk *walk, const struct node *node);
size_t walk_count(const struct walk *walk); /* elements that were read */
bool walk_is_cut(const struct walk *walk);  /* there are more */

#endif

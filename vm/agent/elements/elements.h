#ifndef VM_AGENT_ELEMENTS_ELEMENTS_H
#define VM_AGENT_ELEMENTS_ELEMENTS_H

#include "vm/agent/elements/bus.h"

#include "vm/wire/geometry.h"

#include <X11/X.h>
#include <sys/queue.h>

/* What the agent keeps between requests: the connection to the bus, and the last trees, whose
 * elements a client may name. */

#define TREES_KEPT 8

struct kept_element {
	char *bus, *path, *name;
	uint32_t role;
};

struct kept_tree {
	TAILQ_ENTRY(kept_tree) entry;
	uint32_t number;
	size_t n;
	struct kept_element elements[]; /* by id - 1 */
};

/* An element that has a number. */
struct kept_mark {
	struct kept_element element;
	struct rect box;         /* on the screen */
	bool in_window;          /* its program's places are relative to its window */
	int percent;             /* of what its program says */
	struct point origin;     /* of the popup, if its places are relative to one */
	Window popup;            /* or None */
	bool in_menu;            /* which is a window of its own, that is not managed */
	uint32_t window, anchor; /* numbers: of its window (0: none), of one of its program's */
};

struct elements {
	struct a11y_bus *bus;
	TAILQ_HEAD(kept_trees, kept_tree) trees; /* newest first */
	uint32_t last_number;
	struct kept_mark *marks; /* the last ones, by number - 1 */
	size_t n_marks;
};

struct elements *elements_new(sd_event *event);
void elements_free(struct elements *elements); /* NULL-safe */

/* The newest tree, with zeroed elements for the caller to fill in with owned strings. */
struct kept_tree *elements_keep(struct elements *elements, size_t n);
/* NULL: it was never there, or is too old; err says which. */
const struct kept_element *elements_find(
	const struct elements *elements, int64_t tree, int64_t id, struct err *err);

/* The text is copied. */
struct kept_element kept_element_new(
	const char *bus, const char *path, const char *name, uint32_t role);
void kept_element_done(struct kept_element *element);

/* Zeroed, instead of the last ones; for the caller to fill in with owned strings. */
struct kept_mark *elements_keep_marks(struct elements *elements, size_t n);

#endif

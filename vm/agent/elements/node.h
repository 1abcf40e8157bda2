#ifndef VM_AGENT_ELEMENTS_NODE_H
#define VM_AGENT_ELEMENTS_NODE_H

#include "base/buf.h"
#include "vm/agent/elements/calls.h"
#include "vm/wire/geometry.h"

/* An element of a tree that is being read.  Everything in it is what its program says. */
struct node {
	struct walk *walk;
	struct node *parent, *first, *last, *next; /* children, in order; the next sibling */
	char *bus, *path;                          /* owned */
	int level;                                 /* below its window, which has 0 */
	uint32_t role;
	uint64_t states;
	int32_t n_children; /* as the program says */
	char *name;         /* NULL: not known yet */
	char *value;        /* NULL: none */
	bool has_role, has_states, failed;
	bool has_box;
	struct rect box; /* as the program says, in its coordinates */
	bool listed;
};

static inline struct bus_ref node_ref(const struct node *node)
{
	return (struct bus_ref){ node->bus, node->path };
}

#define NODE_NAME_MAX 200  /* bytes kept of a name */
#define NODE_VALUE_MAX 200 /* and of a value */

/* A copy of at most max bytes, never in the middle of a character. */
char *node_text(const char *text, size_t max);
/* Appends it without control characters and trailing blanks; NULL: nothing is left. */
const char *node_plain(struct buf *to, const char *text);
/* A node and its successor in the tree, parents before children; NULL past the last one of root. */
struct node *node_next(const struct node *node, const struct node *root);

#endif

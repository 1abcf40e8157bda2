#include "vm/agent/elements/walk.h"

#include "base/cleanup.h"
#include "base/plain.h"
#include "vm/agent/elements/role.h"
#include "vm/wire/messages_elements.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#define CHILDREN_MAX 1000 /* of one element */
/* An element that manages its descendants may have a row for each line of a large file. */
#define MANAGED_MAX 300
#define MANAGED_READ 60

struct walk {
	struct calls *calls;
	struct walk_how how;
	GHashTable *nodes; /* "bus path" → node, which it owns: no element is read twice */
	int levels;
	bool is_cut;
};

/* ---- nodes ---- */

char *node_text(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);
	if (len > max) {
		for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--) {
		}
	}
	return must(strndup(text, len));
}

/* GTK pads the names of menu entries. */
const char *node_plain(struct buf *to, const char *text)
{
	if (text) {
		plain_append(to, text, ELEMENT_TEXT_MAX - 4);
	}
	while (to->len && to->data[to->len - 1] == ' ') {
		to->data[--to->len] = '\0';
	}
	return to->len ? buf_text(to) : NULL;
}

struct node *node_next(const struct node *node, const struct node *root)
{
	if (node->first) {
		return node->first;
	}
	while (node != root && !node->next) {
		node = node->parent;
	}
	return node == root ? NULL : node->next;
}

static void node_free(void *data)
{
	struct node *node = data;
	free(node->bus);
	free(node->path);
	free(node->name);
	free(node->value);
	free(node);
}

static void append_to(struct node *parent, struct node *node)
{
	if (!parent) {
		return;
	}
	if (parent->last) {
		parent->last->next = node;
	} else {
		parent->first = node;
	}
	parent->last = node;
	node->parent = parent;
	node->level = parent->level + 1;
}

/* NULL: it is known, or one too many. */
static struct node *node_new(struct walk *w, struct node *parent, struct bus_ref ref)
{
	char *key = g_strdup_printf("%s %s", ref.bus, ref.path);
	bool is_full = g_hash_table_size(w->nodes) >= WALK_NODES_MAX;
	if (is_full || g_hash_table_contains(w->nodes, key)) {
		w->is_cut |= is_full;
		g_free(key);
		return NULL;
	}
	struct node *node = must(calloc(1, sizeof(*node)));
	node->walk = w;
	node->bus = must(strdup(ref.bus));
	node->path = must(strdup(ref.path));
	g_hash_table_insert(w->nodes, key, node);
	append_to(parent, node);
	return node;
}

/* ---- the properties of one ---- */

static void read_below(struct walk *w, struct node *node);

static void is_read(struct node *node)
{
	if (node->has_role && node->has_states && node->level > 0) {
		read_below(node->walk, node);
	}
}

static void on_name(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	const char *name;
	if (!node->name && calls_read_text(answer, &name)) {
		node->name = node_text(name, NODE_NAME_MAX);
	}
}

static void on_role(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	node->has_role = answer && sd_bus_message_read(answer, "u", &node->role) > 0;
	node->failed |= !node->has_role;
}

static void on_states(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	node->has_states = calls_read_states(answer, &node->states);
	node->failed |= !node->has_states;
}

/* The last answer of the three, because a program answers in order. */
static void on_count(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	if (!calls_read_count(answer, &node->n_children)) {
		node->n_children = 0;
	}
	is_read(node);
}

static void ask_name(struct walk *w, struct node *node)
{
	calls_get(w->calls, node_ref(node), ACCESSIBLE, "Name", on_name, node);
}

static void ask_all(struct walk *w, struct node *node)
{
	calls_ask(w->calls, node_ref(node), ACCESSIBLE, "GetRole", on_role, node, NULL);
	calls_ask(w->calls, node_ref(node), ACCESSIBLE, "GetState", on_states, node, NULL);
	if (w->how.names || node->level == 0) {
		ask_name(w, node);
	}
	calls_get(w->calls, node_ref(node), ACCESSIBLE, "ChildCount", on_count, node);
}

static struct node *read_node(struct walk *w, struct node *parent, struct bus_ref ref)
{
	struct node *node = node_new(w, parent, ref);
	if (node) {
		ask_all(w, node);
	}
	return node;
}

/* ---- its children ---- */

static void on_children(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	const char *bus, *path;
	int n = 0;
	if (!answer || sd_bus_message_enter_container(answer, 'a', "(so)") <= 0) {
		return;
	}
	while (sd_bus_message_read(answer, "(so)", &bus, &path) > 0) {
		if (n++ == CHILDREN_MAX) {
			node->walk->is_cut = true;
			return;
		}
		read_node(node->walk, node, (struct bus_ref){ bus, path });
	}
}

static void on_child(sd_bus_message *answer, void *data)
{
	struct node *node = data;
	const char *bus, *path;
	if (answer && sd_bus_message_read(answer, "(so)", &bus, &path) > 0) {
		read_node(node->walk, node, (struct bus_ref){ bus, path });
	}
}

static void ask_first_children(struct walk *w, struct node *node)
{
	w->is_cut = true;
	for (int i = 0; i < MANAGED_READ; i++) {
		calls_ask(w->calls, node_ref(node), ACCESSIBLE, "GetChildAtIndex", on_child, node,
			"i", i);
	}
}

/* A window without a name, or a container, may be anything; a leaf says that it has no children. */
static void read_below(struct walk *w, struct node *node)
{
	bool managed = state_has(node->states, STATE_MANAGES_DESCENDANTS);
	if (node->n_children <= 0 || node->level >= w->levels ||
		(node->level > 0 && !w->how.hidden && !walk_is_shown(w, node))) {
		return;
	}
	if (node->n_children > (managed ? MANAGED_MAX : CHILDREN_MAX)) {
		ask_first_children(w, node);
	} else {
		calls_ask(w->calls, node_ref(node), ACCESSIBLE, "GetChildren", on_children, node,
			NULL);
	}
}

/* ---- the whole ---- */

struct node *walk_window(struct walk *w, struct bus_ref ref)
{
	return read_node(w, NULL, ref);
}

void walk_below(struct walk *w, struct node *window, int levels)
{
	w->levels = levels < WALK_LEVELS_MAX ? levels : WALK_LEVELS_MAX;
	read_below(w, window);
}

struct calls *walk_calls(const struct walk *walk)
{
	return walk->calls;
}

bool walk_is_shown(const struct walk *w, const struct node *node)
{
	return state_has(node->states, STATE_SHOWING) ||
	       (w->how.visible_is_shown && state_has(node->states, STATE_VISIBLE));
}

size_t walk_count(const struct walk *w)
{
	return g_hash_table_size(w->nodes);
}

bool walk_is_cut(const struct walk *w)
{
	return w->is_cut;
}

struct walk *walk_new(struct calls *calls, const struct walk_how *how)
{
	struct walk *w = must(calloc(1, sizeof(*w)));
	w->calls = calls;
	w->how = *how;
	w->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, node_free);
	return w;
}

void walk_free(struct walk *w)
{
	if (w) {
		g_hash_table_unref(w->nodes);
		free(w);
	}
}

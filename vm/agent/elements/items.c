#include "vm/agent/elements/items.h"

#include "base/cleanup.h"
#include "vm/agent/elements/node.h"

#include <glib.h>
#include <string.h>

#define ITEMS_MAX 20000

struct items {
	GHashTable *by_path;   /* path → struct item, which it owns */
	GHashTable *by_parent; /* path of the parent → GPtrArray of items */
};

/* ---- reading ---- */

static void item_free(void *data)
{
	struct item *item = data;
	free(item->path);
	free(item->name);
	free(item->parent);
	free(item);
}

static bool skip_list(sd_bus_message *m)
{
	return sd_bus_message_skip(m, "as") >= 0;
}

/* The strings of *ret are the message's. */
static bool read_item(sd_bus_message *m, struct item *ret, const char **ret_bus)
{
	const char *app_bus, *app, *parent_bus, *path, *name, *parent, *described;
	int32_t index, n;
	uint32_t role;
	if (sd_bus_message_enter_container(m, 'r', "(so)(so)(so)iiassusau") <= 0 ||
		sd_bus_message_read(m, "(so)(so)(so)ii", ret_bus, &path, &app_bus, &app,
			&parent_bus, &parent, &index, &n) < 0 ||
		!skip_list(m) || sd_bus_message_read(m, "sus", &name, &role, &described) < 0 ||
		!calls_read_states(m, &ret->states) || sd_bus_message_exit_container(m) < 0) {
		return false;
	}
	ret->path = (char *)path;
	ret->name = (char *)name;
	ret->parent = (char *)parent;
	ret->index = index;
	ret->n_children = n;
	ret->role = role;
	return true;
}

static void add(struct items *items, const struct item *said)
{
	if (g_hash_table_contains(items->by_path, said->path)) {
		return;
	}
	struct item *item = must(calloc(1, sizeof(*item)));
	*item = *said;
	item->path = must(strdup(said->path));
	item->parent = must(strdup(said->parent));
	item->name = node_text(said->name, NODE_NAME_MAX);
	g_hash_table_insert(items->by_path, item->path, item);
	GPtrArray *children = g_hash_table_lookup(items->by_parent, item->parent);
	if (!children) {
		children = g_ptr_array_new();
		g_hash_table_insert(items->by_parent, item->parent, children);
	}
	g_ptr_array_add(children, item);
}

static void free_children(void *children)
{
	g_ptr_array_free(children, true);
}

struct items *items_read(sd_bus_message *m, const char *bus)
{
	struct items *items = must(calloc(1, sizeof(*items)));
	struct item item;
	const char *owner;
	items->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, item_free);
	items->by_parent = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_children);
	if (sd_bus_message_enter_container(m, 'a', "((so)(so)(so)iiassusau)") <= 0) {
		return items;
	}
	for (int i = 0; i < ITEMS_MAX && read_item(m, &item, &owner); i++) {
		if (strcmp(owner, bus) == 0) {
			add(items, &item);
		}
	}
	return items;
}

void items_free(struct items *items)
{
	if (items) {
		g_hash_table_unref(items->by_parent);
		g_hash_table_unref(items->by_path);
		free(items);
	}
}

/* ---- finding ---- */

const struct item *items_find(const struct items *items, const char *path)
{
	return items ? g_hash_table_lookup(items->by_path, path) : NULL;
}

size_t items_children(
	const struct items *items, const char *path, const struct item **ret, size_t max)
{
	const struct item *parent = items_find(items, path);
	GPtrArray *all = items ? g_hash_table_lookup(items->by_parent, path) : NULL;
	size_t n = all ? all->len : 0;
	if (!parent || n == 0 || n > max || n != (size_t)parent->n_children) {
		return 0;
	}
	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; i < n; i++) {
		const struct item *child = all->pdata[i];
		if (child->index < 0 || (size_t)child->index >= n || ret[child->index]) {
			return 0;
		}
		ret[child->index] = child;
	}
	return n;
}

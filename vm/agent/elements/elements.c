#include "vm/agent/elements/elements.h"

#include "base/cleanup.h"

#include <string.h>

struct kept_element kept_element_new(
	const char *bus, const char *path, const char *name, uint32_t role)
{
	return (struct kept_element){ must(strdup(bus)), must(strdup(path)),
		name ? must(strdup(name)) : NULL, role };
}

void kept_element_done(struct kept_element *element)
{
	free(element->bus);
	free(element->path);
	free(element->name);
}

static void tree_free(struct elements *e, struct kept_tree *tree)
{
	TAILQ_REMOVE(&e->trees, tree, entry);
	for (size_t i = 0; i < tree->n; i++) {
		kept_element_done(&tree->elements[i]);
	}
	free(tree);
}

struct kept_tree *elements_keep(struct elements *e, size_t n)
{
	struct kept_tree *tree = must(calloc(1, sizeof(*tree) + n * sizeof(tree->elements[0])));
	struct kept_tree *last;
	tree->number = ++e->last_number;
	tree->n = n;
	TAILQ_INSERT_HEAD(&e->trees, tree, entry);
	while ((last = TAILQ_LAST(&e->trees, kept_trees)) &&
		last->number + TREES_KEPT <= tree->number) {
		tree_free(e, last);
	}
	return tree;
}

const struct kept_element *elements_find(
	const struct elements *e, int64_t number, int64_t id, struct err *err)
{
	struct kept_tree *tree;
	TAILQ_FOREACH(tree, &e->trees, entry)
	{
		if (tree->number == number && id >= 1 && (size_t)id <= tree->n) {
			return &tree->elements[id - 1];
		}
	}
	if (number >= 1 && number <= e->last_number) {
		err_set(err, ERR_NOT_FOUND,
			"element e%lld.%lld is not in that tree, or the tree is older than the last "
			"%d; call ui_tree again",
			(long long)number, (long long)id, TREES_KEPT);
	} else {
		err_set(err, ERR_NOT_FOUND,
			"there is no element e%lld.%lld; call ui_tree and use an id of its answer",
			(long long)number, (long long)id);
	}
	return NULL;
}

struct kept_mark *elements_keep_marks(struct elements *e, size_t n)
{
	for (size_t i = 0; i < e->n_marks; i++) {
		kept_element_done(&e->marks[i].element);
	}
	free(e->marks);
	e->marks = must(calloc(n ? n : 1, sizeof(*e->marks)));
	e->n_marks = n;
	return e->marks;
}

struct elements *elements_new(sd_event *event)
{
	struct elements *e = must(calloc(1, sizeof(*e)));
	e->bus = a11y_bus_new(event);
	TAILQ_INIT(&e->trees);
	return e;
}

void elements_free(struct elements *e)
{
	if (!e) {
		return;
	}
	while (!TAILQ_EMPTY(&e->trees)) {
		tree_free(e, TAILQ_FIRST(&e->trees));
	}
	(void)elements_keep_marks(e, 0);
	free(e->marks);
	a11y_bus_free(e->bus);
	free(e);
}

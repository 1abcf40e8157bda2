#ifndef VM_AGENT_ELEMENTS_ITEMS_H
#define VM_AGENT_ELEMENTS_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/*
 * What a program has in its cache (org.a11y.atspi.Cache.GetItems): one answer instead of four for
 * each element.  It may lack elements, and the order of some.
 */
struct items;

struct item {
	char *path, *name;
	char *parent; /* its path */
	int32_t index, n_children;
	uint32_t role;
	uint64_t states;
};

/* Of one program, whose unique name is bus; elements of others are left out.  An answer of another
 * type has no items. */
struct items *items_read(sd_bus_message *answer, const char *bus);
void items_free(struct items *items); /* NULL-safe */
/* NULL: not there; items may be NULL. */
const struct item *items_find(const struct items *items, const char *path);
/* The children of path in their order, if all of them are there; otherwise 0. */
size_t items_children(
	const struct items *items, const char *path, const struct item **ret, size_t max);

#endif

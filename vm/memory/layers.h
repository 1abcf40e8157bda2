#ifndef VM_MEMORY_LAYERS_H
#define VM_MEMORY_LAYERS_H

#include "vm/memory/pages.h"

/*
 * On disk, RAM is a stack of layers, each a page file (vm/memory/pages.h) that names the one below:
 * ram.0 is based on zeros, ram.1 on ram.0, and so on.  A saved VM has all of its layers in its
 * directory, the lower ones as hard links, so it does not depend on its template.
 */
#define RAM_LAYERS_MAX 8

struct layers {
	unsigned n;
	struct pages *at[RAM_LAYERS_MAX]; /* from the bottom; referenced */
};

void layers_name(unsigned layer, char ret_name[16]); /* "ram.0" */

/* Opens those in dir, if they are complete and belong together: at least one.  Reads no pages. */
bool layers_open(struct layers *layers, const char *dir, struct err *err) NODISCARD;
void layers_drop(struct layers *layers);
/* Links them into dir, or copies them if they cannot be linked. */
bool layers_link(const struct layers *layers, const char *dir, struct err *err) NODISCARD;

/* Of the RAM; not of an empty stack. */
int64_t layers_mib(const struct layers *layers);
const uint8_t *layers_id(const struct layers *layers); /* of the top one */
uint64_t layers_bytes(const struct layers *layers);    /* data of all */

/* Opens and drops them. */
bool layers_check(
	const char *dir, int64_t *ret_mib, unsigned *ret_layers, struct err *err) NODISCARD;

#endif

#ifndef VM_AGENT_STREAM_DAMAGE_H
#define VM_AGENT_STREAM_DAMAGE_H

#include "vm/wire/geometry.h"

#include <stdbool.h>
#include <stddef.h>

/* Rectangles that were painted: a few, none of which overlap. */

#define DAMAGE_MAX 4

struct damage {
	struct rect areas[DAMAGE_MAX];
	size_t n;
};

/* Joins areas where that costs few pixels more, or where there would be too many. */
void damage_add(struct damage *damage, struct rect area);

#endif

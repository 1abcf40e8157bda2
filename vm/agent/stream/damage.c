#include "vm/agent/stream/damage.h"

#include <limits.h>

static long pixels(struct rect area)
{
	return (long)area.width * area.height;
}

/* What joining them would cost: pixels that are in neither. */
static long cost(struct rect a, struct rect b)
{
	return pixels(rect_join(a, b)) - pixels(a) - pixels(b);
}

/* The one that is best joined with area, if it must be; n: none. */
static size_t partner(const struct damage *damage, struct rect area)
{
	size_t best = damage->n;
	long least = damage->n == DAMAGE_MAX ? LONG_MAX : pixels(area) / 4;
	for (size_t i = 0; i < damage->n; i++) {
		long extra = rect_overlaps(damage->areas[i], area) ? LONG_MIN
								   : cost(damage->areas[i], area);
		if (extra < least) {
			least = extra;
			best = i;
		}
	}
	return best;
}

void damage_add(struct damage *damage, struct rect area)
{
	size_t i;
	/* The joint area may overlap others in turn. */
	while ((i = partner(damage, area)) < damage->n) {
		area = rect_join(area, damage->areas[i]);
		damage->areas[i] = damage->areas[--damage->n];
	}
	damage->areas[damage->n++] = area;
}

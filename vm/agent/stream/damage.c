#include "vm/agent/stream/damage.h"

#include <limits.h>

static struct rect join(struct rect a, struct rect b)
{
	int x0 = a.x < b.x ? a.x : b.x, y0 = a.y < b.y ? a.y : b.y;
	int x1 = a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width;
	int y1 = a.y + a.height > b.y + b.height ? a.y + a.height : b.y + b.height;
	return (struct rect){ x0, y0, x1 - x0, y1 - y0 };
}

static long pixels(struct rect area)
{
	return (long)area.width * area.height;
}

bool damage_overlaps(struct rect a, struct rect b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
	       b.y < a.y + a.height;
}

/* What joining them would cost: pixels that are in neither. */
static long cost(struct rect a, struct rect b)
{
	return pixels(join(a, b)) - pixels(a) - pixels(b);
}

/* The one that is best joined with area, if it must be; n: none. */
static size_t partner(const struct damage *damage, struct rect area)
{
	size_t best = damage->n;
	long least = damage->n == DAMAGE_MAX ? LONG_MAX : pixels(area) / 4;
	for (size_t i = 0; i < damage->n; i++) {
		long extra = damage_overlaps(damage->areas[i], area) ? LONG_MIN
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
		area = join(area, damage->areas[i]);
		damage->areas[i] = damage->areas[--damage->n];
	}
	damage->areas[damage->n++] = area;
}

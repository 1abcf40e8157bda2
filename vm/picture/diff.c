#include "vm/picture/diff.h"
#include "base/cleanup.h"
#include <string.h>
struct picture_diff { int unused; };
struct picture_diff *picture_diff_new(void) { return must(calloc(1, sizeof(struct picture_diff))); }
void picture_diff_free(struct picture_diff *diff) { free(diff); }
void picture_diff_take(struct picture_diff *diff, const struct image *picture, struct rect area, const struct image *fresh, struct picture_change *ret)
{
	(void)diff;
	for (int y = 0; y < area.height; y++) {
		memcpy(picture->pixels + (size_t)(area.y + y) * picture->stride + (size_t)area.x * 4, fresh->pixels + (size_t)y * fresh->stride, (size_t)area.width * 4);
	}
	*ret = (struct picture_change){ .areas = { area }, .n_areas = 1 };
}

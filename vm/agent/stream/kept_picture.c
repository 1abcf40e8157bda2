#include "vm/agent/stream/kept_picture.h"

#include "base/cleanup.h"

#include <string.h>

static struct image new_image(struct size size)
{
	struct image image = { .size = size, .stride = (size_t)size.width * 4 };
	size_t bytes = image.stride * (size_t)size.height;
	image.pixels = must(calloc(bytes ? bytes : 1, 1));
	return image;
}

void kept_picture_init(struct kept_picture *kept, struct size size)
{
	kept->image = new_image(size);
	kept->diff = picture_diff_new();
}

void kept_picture_done(struct kept_picture *kept)
{
	free(kept->image.pixels);
	picture_diff_free(kept->diff);
	*kept = (struct kept_picture){ 0 };
}

void kept_picture_resize(
	struct kept_picture *kept, struct size size, struct picture_change *ret_change)
{
	free(kept->image.pixels);
	kept->image = new_image(size);
	*ret_change = (struct picture_change){
		.areas = { { 0, 0, size.width, size.height } },
		.n_areas = 1,
	};
}

/* A viewer does all moves first: it does not have the new pixels of areas taken before. */
static bool reads_areas(const struct picture_change *here, const struct picture_change *change)
{
	for (size_t m = 0; m < here->n_moves; m++) {
		const struct picture_move *move = &here->moves[m];
		struct rect from = { move->from.x, move->from.y, move->to.width, move->to.height };
		for (size_t a = 0; a < change->n_areas; a++) {
			if (rect_overlaps(from, change->areas[a])) {
				return true;
			}
		}
	}
	return false;
}

void kept_picture_take(struct kept_picture *kept, struct rect area, const struct image *fresh,
	struct picture_change *change)
{
	struct picture_change here = { 0 };
	picture_diff_take(kept->diff, &kept->image, area, fresh, &here);
	/* There is always room for the areas that are still to come, as they are. */
	bool fits = !reads_areas(&here, change) &&
		    change->n_moves + here.n_moves <= PICTURE_MOVES_MAX &&
		    change->n_areas + here.n_areas + DAMAGE_MAX <= PICTURE_AREAS_MAX;
	if (!fits) {
		here = (struct picture_change){ .areas = { area }, .n_areas = 1 };
	}
	for (size_t i = 0; i < here.n_moves; i++) {
		change->moves[change->n_moves++] = here.moves[i];
	}
	for (size_t i = 0; i < here.n_areas; i++) {
		change->areas[change->n_areas++] = here.areas[i];
	}
}

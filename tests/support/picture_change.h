#ifndef TESTS_SUPPORT_PICTURE_CHANGE_H
#define TESTS_SUPPORT_PICTURE_CHANGE_H

/* Pictures to draw on, and a viewer that applies a change as RFB says, for the tests of
 * vm/picture/diff.h. */

#include "base/cleanup.h"
#include "vm/picture/diff.h"

#include <stdbool.h>
#include <string.h>

static inline struct image image_new(struct size size)
{
	struct image image = { NULL, size, (size_t)size.width * 4 };
	image.pixels = must(calloc((size_t)size.height, image.stride));
	return image;
}

static inline uint8_t *image_at(const struct image *image, int x, int y)
{
	return image->pixels + (size_t)y * image->stride + (size_t)x * 4;
}

static inline void image_copy(
	const struct image *to, struct rect r, const struct image *from, struct point at)
{
	for (int y = 0; y < r.height; y++) {
		memcpy(image_at(to, r.x, r.y + y), image_at(from, at.x, at.y + y),
			(size_t)r.width * 4);
	}
}

static inline struct image image_duplicate(const struct image *image, struct rect r)
{
	struct image part = image_new((struct size){ r.width, r.height });
	image_copy(
		&part, (struct rect){ 0, 0, r.width, r.height }, image, (struct point){ r.x, r.y });
	return part;
}

static inline struct rect image_rect(const struct image *image)
{
	return (struct rect){ 0, 0, image->size.width, image->size.height };
}

/* Source and destination may overlap. */
static inline void image_move(const struct image *image, struct rect to, struct point from)
{
	struct image old = image_duplicate(image, image_rect(image));
	image_copy(image, to, &old, from);
	free(old.pixels);
}

static inline bool image_equals(const struct image *a, const struct image *b)
{
	for (int y = 0; y < a->size.height; y++) {
		for (int x = 0; x < a->size.width; x++) {
			if (memcmp(image_at(a, x, y), image_at(b, x, y), 3) != 0) {
				return false;
			}
		}
	}
	return true;
}

static inline bool rect_is_within(struct rect r, struct rect of)
{
	return r.width > 0 && r.height > 0 && r.x >= of.x && r.y >= of.y &&
	       r.x + r.width <= of.x + of.width && r.y + r.height <= of.y + of.height;
}

static inline bool rects_meet(struct rect a, struct rect b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
	       b.y < a.y + a.height;
}

static inline bool areas_are_good(const struct picture_change *c, struct rect area)
{
	for (size_t i = 0; i < c->n_areas; i++) {
		if (!rect_is_within(c->areas[i], area)) {
			return false;
		}
		for (size_t k = 0; k < i; k++) {
			if (rects_meet(c->areas[i], c->areas[k])) {
				return false;
			}
		}
	}
	return true;
}

/* False: a move or area is not as the header says. */
static inline bool change_apply(const struct picture_change *c, const struct image *shown,
	const struct image *picture, struct rect area)
{
	for (size_t i = 0; i < c->n_moves; i++) {
		const struct picture_move *m = &c->moves[i];
		struct rect from = { m->from.x, m->from.y, m->to.width, m->to.height };
		if (!rect_is_within(m->to, area) || !rect_is_within(from, image_rect(shown))) {
			return false;
		}
		image_move(shown, m->to, m->from);
	}
	for (size_t i = 0; i < c->n_areas; i++) {
		struct rect r = c->areas[i];
		image_copy(shown, r, picture, (struct point){ r.x, r.y });
	}
	return areas_are_good(c, area);
}

/* Takes `area` of what is drawn into the picture. False: the picture, or a viewer's, is not what
 * was drawn there. */
static inline bool change_take(struct picture_diff *d, const struct image *picture,
	struct rect area, const struct image *drawn, struct picture_change *ret)
{
	struct image shown = image_duplicate(picture, image_rect(picture));
	struct image expected = image_duplicate(picture, image_rect(picture));
	struct image fresh = image_duplicate(drawn, area);
	image_copy(&expected, area, drawn, (struct point){ area.x, area.y });
	picture_diff_take(d, picture, area, &fresh, ret);
	bool good = change_apply(ret, &shown, picture, area) && image_equals(picture, &expected) &&
		    image_equals(&shown, &expected);
	free(shown.pixels);
	free(expected.pixels);
	free(fresh.pixels);
	return good;
}

#endif

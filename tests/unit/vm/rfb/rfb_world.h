#ifndef TESTS_UNIT_RFB_WORLD_H
#define TESTS_UNIT_RFB_WORLD_H

/* A picture in memory behind an RFB server, which changes, moves and resizes by chance. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/rfb/server_impl.h"

#include <criterion/criterion.h>
#include <string.h>

#define PEOPLE_MAX 32
#define PICTURE_WIDTH 150
#define PICTURE_HEIGHT 100
#define CURSOR_SIDE 24
#define CURSORS 4

struct world {
	sd_event *event;
	struct rfb_server *server;
	struct image picture;
	struct picture_change plan; /* done at the next refresh */
	struct rect news;           /* was painted since the last; width 0: nothing */
	struct size next_size;      /* width 0: as it is */
	struct cursor_image cursors[CURSORS];
	uint32_t cursor_pixels[CURSORS][CURSOR_SIDE * CURSOR_SIDE];
	int cursor; /* -1: none */
	bool pointed;
	struct point at;
	int frames;
	struct person *people[PEOPLE_MAX];
};

/* ---- chance ---- */

static uint64_t seed, chance;

static inline unsigned below(unsigned n)
{
	chance = chance * 6364136223846793005u + 1442695040888963407u;
	return n ? (unsigned)(chance >> 33) % n : 0;
}

static inline bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* ---- the picture ---- */

static inline uint8_t *pixel_at(const struct image *image, int x, int y)
{
	return image->pixels + (size_t)y * image->stride + (size_t)x * 4;
}

static inline void paint_area(const struct image *image, struct rect area)
{
	unsigned colors = one_in(3) ? 1u << 24 : 1 + below(3) * below(90);
	uint32_t base = below(1u << 24);
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			uint32_t color = base ^ below(colors) * 2654435761u;
			memcpy(pixel_at(image, x, y), &color, 4);
		}
	}
}

static inline void move_area(const struct image *image, const struct picture_move *move)
{
	size_t row = (size_t)move->to.width * 4;
	auto_free uint8_t *kept = must(malloc(row * (size_t)move->to.height));
	for (int y = 0; y < move->to.height; y++) {
		memcpy(kept + (size_t)y * row, pixel_at(image, move->from.x, move->from.y + y),
			row);
	}
	for (int y = 0; y < move->to.height; y++) {
		memcpy(pixel_at(image, move->to.x, move->to.y + y), kept + (size_t)y * row, row);
	}
}

static inline void new_picture(struct world *w, struct size size)
{
	free(w->picture.pixels);
	w->picture = (struct image){ .size = size, .stride = (size_t)size.width * 4 + 12 };
	w->picture.pixels = must(calloc(w->picture.stride, (size_t)size.height));
	paint_area(&w->picture, (struct rect){ 0, 0, size.width, size.height });
}

static inline const char *world_name(void *data)
{
	(void)data;
	return "World";
}

static inline void world_refresh(struct picture_change *ret, void *data)
{
	struct world *w = data;
	w->frames++;
	if (w->next_size.width > 0) {
		new_picture(w, w->next_size);
		w->next_size.width = 0;
		w->plan = (struct picture_change){ .n_areas = 1 };
		w->plan.areas[0].width = w->picture.size.width;
		w->plan.areas[0].height = w->picture.size.height;
	}
	for (size_t i = 0; i < w->plan.n_moves; i++) {
		move_area(&w->picture, &w->plan.moves[i]);
	}
	for (size_t i = 0; i < w->plan.n_areas; i++) {
		paint_area(&w->picture, w->plan.areas[i]);
	}
	if (w->news.width > 0) {
		w->plan.areas[w->plan.n_areas++] = w->news;
		w->news.width = 0;
	}
	*ret = w->plan;
	w->plan = (struct picture_change){ 0 };
}

static inline const struct cursor_image *cursor_of(const struct world *w)
{
	return w->cursor < 0 ? NULL : &w->cursors[w->cursor];
}

static inline struct rfb_scene world_scene(bool place, void *data)
{
	const struct world *w = data;
	struct rfb_scene scene = { &w->picture, cursor_of(w), false, { 12345, -7 } };
	if (place) {
		scene.pointed = w->pointed;
		scene.at = w->at;
	}
	return scene;
}

static const struct rfb_source world_source = { world_name, world_refresh, world_scene };

static inline void make_cursor(struct world *w, int i)
{
	struct size size = { 1 + (int)below(CURSOR_SIDE), 1 + (int)below(CURSOR_SIDE) };
	w->cursors[i] = (struct cursor_image){ w->cursor_pixels[i], size,
		{ (int)below((unsigned)size.width), (int)below((unsigned)size.height) },
		(uint64_t)i + 1 };
	for (int n = 0; n < size.width * size.height; n++) {
		uint32_t alpha = one_in(2) ? 255 * below(2) : below(256), argb = alpha << 24;
		for (int shift = 0; shift < 24; shift += 8) {
			argb |= below(alpha + 1) << shift;
		}
		w->cursor_pixels[i][n] = argb;
	}
}

static inline void world_start(struct world *w, struct size size)
{
	struct err err;
	*w = (struct world){ .cursor = -1 };
	w->event = loop_new(&err);
	cr_assert(w->event, "%s", err.text);
	new_picture(w, size);
	for (int i = 0; i < CURSORS; i++) {
		make_cursor(w, i);
	}
	w->server = rfb_server_new(w->event, &world_source, w, &err);
	cr_assert(w->server, "%s", err.text);
}

/* ---- what happens to the picture ---- */

static inline struct rect any_area(const struct world *w)
{
	unsigned width = (unsigned)w->picture.size.width, height = (unsigned)w->picture.size.height;
	struct rect area = { (int)below(width), (int)below(height), 0, 0 };
	area.width = 1 + (int)below(width - (unsigned)area.x);
	area.height = 1 + (int)below(height - (unsigned)area.y);
	if (!one_in(4)) {
		area.width = (area.width + 3) / 4;
		area.height = (area.height + 3) / 4;
	}
	return area;
}

/* Moves come before areas, as a picture_change says. */
static inline void plan_change(struct world *w)
{
	struct rect area = any_area(w);
	if (w->plan.n_moves < PICTURE_MOVES_MAX && one_in(2)) {
		struct point from = {
			(int)below((unsigned)(w->picture.size.width - area.width + 1)),
			(int)below((unsigned)(w->picture.size.height - area.height + 1)),
		};
		w->plan.moves[w->plan.n_moves++] = (struct picture_move){ area, from };
	} else if (w->plan.n_areas < PICTURE_AREAS_MAX) {
		w->plan.areas[w->plan.n_areas++] = area;
	}
}

static inline void plan_resize(struct world *w)
{
	w->next_size =
		(struct size){ 1 + (int)below(PICTURE_WIDTH), 1 + (int)below(PICTURE_HEIGHT) };
}

static inline void move_pointer(struct world *w)
{
	w->pointed = !one_in(5);
	w->at.x = (int)below((unsigned)w->picture.size.width + 40) - 20;
	w->at.y = (int)below((unsigned)w->picture.size.height + 40) - 20;
	if (one_in(3)) {
		w->cursor = (int)below(CURSORS + 1) - 1;
	}
}

#endif

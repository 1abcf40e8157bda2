// USES rfb
/* What moves like a film, and what only changes. */
#include "vm/rfb/motion.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#define WIDTH 640
#define HEIGHT 480

static uint32_t pixels[WIDTH * HEIGHT];
static const struct image picture = { (uint8_t *)pixels, { WIDTH, HEIGHT }, WIDTH * 4 };
static struct motion *m;
static uint64_t now;
static uint32_t noise;

static void start(void)
{
	m = motion_new();
	now = 1000000;
	noise = 1;
	memset(pixels, 0x40, sizeof(pixels));
}

static void stop(void)
{
	motion_free(m);
}

TestSuite(rfb_motion, .init = start, .fini = stop);

/* ---- what is shown ---- */

static void film(struct rect area)
{
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			noise = noise * 1664525 + 1013904223;
			pixels[y * WIDTH + x] = noise >> 8;
		}
	}
}

/* Lines of text, smoothed: shades of gray. */
static void text(struct rect area)
{
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			noise = noise * 1664525 + 1013904223;
			uint32_t shade = (noise >> 28) * 17;
			pixels[y * WIDTH + x] = y % 16 < 4 ? 0 : shade * 0x010101;
		}
	}
}

struct player {
	struct rect area;
	void (*draw)(struct rect area);
	int every_ms;
};

/* Each of them draws at its times, for so long. */
static void play(const struct player *all, size_t n, int ms)
{
	for (int i = 0; i < ms; i++, now += 1000) {
		struct picture_change change = { 0 };
		for (size_t p = 0; p < n; p++) {
			if (i % all[p].every_ms == 0) {
				all[p].draw(all[p].area);
				change.areas[change.n_areas++] = all[p].area;
			}
		}
		if (change.n_areas > 0) {
			motion_see(m, &picture, &change, now);
		} else if (i % 100 == 99) {
			motion_tick(m, &picture, now);
		}
	}
}

static void play_one(struct rect area, void (*draw)(struct rect area), int every_ms, int ms)
{
	const struct player player = { area, draw, every_ms };
	play(&player, 1, ms);
}

static int count(void)
{
	int n = 0;
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		n += motion_areas(m)[i].width > 0;
	}
	return n;
}

static bool has(struct rect area)
{
	for (int i = 0; i < MOTION_AREAS_MAX; i++) {
		if (rect_equal(motion_areas(m)[i], area)) {
			return true;
		}
	}
	return false;
}

static void expect_only(struct rect area)
{
	const struct rect *is = motion_areas(m);
	cr_expect(has(area) && count() == 1, "%d areas, %d,%d %dx%d", count(), is->x, is->y,
		is->width, is->height);
}

/* ---- tests ---- */

static const struct rect anywhere = { 37, 51, 322, 244 }, right = { 420, 100, 200, 160 };

Test(rfb_motion, a_film_is_found_to_the_pixel)
{
	static const int rates[] = { 16, 33, 42, 66, 83 };
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		stop();
		start();
		play_one(anywhere, film, rates[i], 1600);
		expect_only(anywhere);
	}
}

Test(rfb_motion, the_sides_of_an_area_are_even)
{
	play_one((struct rect){ 37, 51, 321, 243 }, film, 40, 1600);
	expect_only((struct rect){ 37, 51, 320, 242 });
}

Test(rfb_motion, a_film_ends_when_it_stops)
{
	play_one(anywhere, film, 40, 1600);
	cr_assert_eq(count(), 1);
	play(NULL, 0, MOTION_STILL_MS + 200);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, a_short_film_is_none)
{
	play_one(anywhere, film, 40, 450);
	cr_expect_eq(count(), 0);
	play(NULL, 0, 3000);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, photographs_one_after_the_other_are_no_film)
{
	play_one(anywhere, film, 250, 5000);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, text_that_scrolls_is_no_film)
{
	play_one(anywhere, text, 20, 5000);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, what_only_moves_is_no_film)
{
	film(anywhere);
	for (int i = 0; i < 300; i++, now += 10000) {
		struct picture_change change = { .moves = { { anywhere, { 37, 60 } } },
			.n_moves = 1 };
		motion_see(m, &picture, &change, now);
	}
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, a_cursor_that_blinks_is_no_film)
{
	play_one((struct rect){ 100, 100, 8, 16 }, film, 500, 5000);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, a_small_picture_that_turns_is_no_film)
{
	play_one((struct rect){ 100, 100, 90, 90 }, film, 30, 3000);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, text_beside_a_film_is_not_part_of_it)
{
	const struct player both[] = { { anywhere, film, 40 },
		{ { 400, 51, 200, 244 }, text, 20 } };
	play(both, 2, 2500);
	expect_only(anywhere);
}

/* Also when the film begins there, and in its tiles. */
Test(rfb_motion, text_that_changes_now_and_then_beside_a_film_is_not_part_of_it)
{
	const struct player all[] = { { anywhere, film, 40 }, { { 362, 100, 90, 9 }, text, 240 },
		{ { 20, 297, 300, 9 }, text, 310 } };
	play(all, 3, 1600);
	expect_only(anywhere);
}

Test(rfb_motion, a_cursor_in_a_paused_film_does_not_keep_it)
{
	play_one(anywhere, film, 40, 1600);
	play_one((struct rect){ 100, 100, 8, 16 }, text, 100, 1200);
	cr_expect_eq(count(), 0);
}

Test(rfb_motion, two_films_have_two_areas)
{
	const struct player both[] = { { anywhere, film, 40 }, { right, film, 33 } };
	play(both, 2, 1600);
	cr_expect_eq(count(), 2);
	cr_expect(has(anywhere) && has(right));
	const struct rect kept = motion_areas(m)[1];
	play(both + rect_equal(kept, right), 1, 1000);
	cr_expect(rect_equal(motion_areas(m)[1], kept),
		"the area that still moves keeps its position");
	expect_only(kept);
}

Test(rfb_motion, a_film_that_moved_is_found_again)
{
	const struct rect moved = { 201, 130, 322, 244 };
	play_one(anywhere, film, 40, 1600);
	play_one(moved, film, 40, 2000);
	expect_only(moved);
}

Test(rfb_motion, a_window_that_appears_with_its_film_is_not_part_of_it)
{
	const struct rect window = { 30, 20, 340, 300 };
	struct picture_change change = { .areas = { window }, .n_areas = 1 };
	text(window);
	motion_see(m, &picture, &change, now);
	play_one(anywhere, film, 40, 2000);
	expect_only(anywhere);
}

/* Parts of a film that rest for a moment do not change its area. */
Test(rfb_motion, an_area_stays_while_its_film_goes_on)
{
	const struct player parts[] = { { anywhere, film, 200 },
		{ { 37, 51, 200, 244 }, film, 40 } };
	play_one(anywhere, film, 40, 1600);
	play(parts, 2, 2000);
	expect_only(anywhere);
}

Test(rfb_motion, another_size_forgets_all)
{
	play_one(anywhere, film, 40, 1600);
	const struct image less = { picture.pixels, { 100, 90 }, picture.stride };
	motion_tick(m, &less, now);
	cr_expect_eq(count(), 0);
	struct picture_change change = { .areas = { anywhere }, .n_areas = 1 };
	motion_see(m, &less, &change, now);
	cr_expect_eq(count(), 0);
}

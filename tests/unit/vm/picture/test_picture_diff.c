// USES picture
/* What changed in a picture, and what was only moved: exact for any picture, and short for the
 * usual ones. */
#include "tests/support/picture_change.h"

#include <criterion/criterion.h>

static struct picture_diff *diff;
static struct image drawn, picture;
static struct picture_change change;
static uint32_t seed;

static void begin(int width, int height)
{
	diff = picture_diff_new();
	drawn = image_new((struct size){ width, height });
	picture = image_new((struct size){ width, height });
	seed = 1;
}

static void end(void)
{
	picture_diff_free(diff);
	free(drawn.pixels);
	free(picture.pixels);
	diff = NULL;
}

static void take_area(struct rect area)
{
	cr_assert(change_take(diff, &picture, area, &drawn, &change));
}

static void take(void)
{
	take_area(image_rect(&drawn));
}

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 4) * n >> 28);
}

/* ---- drawing ---- */

#define PAPER 0x202020u
#define INK 0xd0d0d0u

static void draw(struct rect r, uint32_t colour)
{
	for (int y = r.y; y < r.y + r.height; y++) {
		for (int x = r.x; x < r.x + r.width; x++) {
			memcpy(image_at(&drawn, x, y), &colour, 4);
		}
	}
}

static void draw_noise(struct rect r)
{
	for (int y = r.y; y < r.y + r.height; y++) {
		for (int x = r.x; x < r.x + r.width; x++) {
			uint32_t colour = random_below(1 << 24);
			memcpy(image_at(&drawn, x, y), &colour, 4);
		}
	}
}

/* A letter of 8x16 pixels, of which 6x10 have ink. */
static void draw_letter(int x, int y, uint32_t which)
{
	draw((struct rect){ x, y, 8, 16 }, PAPER);
	for (uint32_t i = 0; i < 60; i++) {
		if ((which * 2654435761u + 0x9e3779b9u) * (i * 2 + 1) >> 31) {
			draw((struct rect){ x + 1 + (int)i % 6, y + 3 + (int)i / 6, 1, 1 }, INK);
		}
	}
}

/* Lines of text of different lengths, from line number `first` on. */
static void draw_text(struct rect r, uint32_t first)
{
	draw(r, PAPER);
	for (int line = 0; line < r.height / 16; line++) {
		seed = (first + (uint32_t)line) * 747796405u + 1;
		int letters = 8 + (int)random_below((uint32_t)r.width / 8 - 8);
		for (int i = 0; i < letters; i++) {
			uint32_t letter = random_below(40);
			if (letter > 4) {
				draw_letter(r.x + i * 8, r.y + line * 16, letter);
			}
		}
	}
}

static void scroll(struct rect r, int dx, int dy)
{
	struct rect to = { r.x + (dx > 0 ? dx : 0), r.y + (dy > 0 ? dy : 0), r.width - abs(dx),
		r.height - abs(dy) };
	image_move(&drawn, to, (struct point){ to.x - dx, to.y - dy });
}

static size_t pixels_of_areas(void)
{
	size_t n = 0;
	for (size_t i = 0; i < change.n_areas; i++) {
		n += (size_t)change.areas[i].width * (size_t)change.areas[i].height;
	}
	return n;
}

static void expect_area(size_t i, int x, int y, int width, int height)
{
	struct rect r = change.areas[i];
	cr_assert_lt(i, change.n_areas);
	cr_assert(r.x == x && r.y == y && r.width == width && r.height == height,
		"area %zu is %dx%d at %d,%d", i, r.width, r.height, r.x, r.y);
}

static void expect_one_move(int dx, int dy)
{
	cr_assert_eq(change.n_moves, 1, "%zu moves", change.n_moves);
	cr_assert_eq(change.moves[0].to.x - change.moves[0].from.x, dx);
	cr_assert_eq(change.moves[0].to.y - change.moves[0].from.y, dy);
}

/* ---- areas ---- */

Test(picture_diff, the_same_pixels_are_no_change)
{
	begin(300, 200);
	draw_noise(image_rect(&drawn));
	take();
	cr_assert_eq(change.n_areas, 1);
	expect_area(0, 0, 0, 300, 200);
	for (int i = 0; i < 300 * 200; i++) {
		drawn.pixels[i * 4 + 3] = (uint8_t)i; /* the byte that is not used */
	}
	take();
	cr_assert_eq(change.n_areas, 0);
	cr_assert_eq(change.n_moves, 0);
	end();
}

Test(picture_diff, a_letter_is_its_own_box)
{
	begin(640, 400);
	draw(image_rect(&drawn), PAPER);
	take();
	for (int x = 0; x < 40; x++) {
		draw((struct rect){ 101 + x, 43, 7, 1 }, INK);
		draw((struct rect){ 101 + x, 43, 1, 12 }, INK);
		take();
		cr_assert_eq(change.n_areas, 1);
		cr_assert_eq(change.n_moves, 0);
		cr_assert_leq(pixels_of_areas(), 7 * 12);
	}
	end();
}

Test(picture_diff, what_is_far_apart_stays_apart_and_what_adjoins_is_one)
{
	begin(640, 400);
	take();
	draw((struct rect){ 10, 10, 8, 16 }, INK);
	draw((struct rect){ 18, 10, 8, 16 }, INK);
	draw((struct rect){ 500, 10, 8, 16 }, INK);
	draw((struct rect){ 10, 333, 1, 1 }, INK);
	take();
	cr_assert_eq(change.n_areas, 3);
	expect_area(0, 10, 10, 16, 16);
	expect_area(1, 500, 10, 8, 16);
	expect_area(2, 10, 333, 1, 1);
	end();
}

Test(picture_diff, a_film_is_one_area)
{
	begin(1280, 800);
	take();
	draw_noise((struct rect){ 323, 155, 640, 480 });
	take();
	draw_noise((struct rect){ 323, 155, 640, 480 });
	take();
	cr_assert_eq(change.n_areas, 1);
	cr_assert_eq(change.n_moves, 0);
	expect_area(0, 323, 155, 640, 480);
	end();
}

/* A column and a row are two areas, not the rectangle around both. */
Test(picture_diff, a_corner_is_not_filled)
{
	begin(640, 400);
	take();
	draw((struct rect){ 630, 0, 10, 400 }, INK);
	draw((struct rect){ 0, 384, 640, 16 }, INK);
	take();
	cr_assert_leq(pixels_of_areas(), 630 * 16 + 10 * 400 + 640 * 16);
	end();
}

Test(picture_diff, many_changes_are_few_areas)
{
	begin(1280, 800);
	take();
	for (int step = 17; step < 200; step += 7) {
		for (int y = 0; y < 790; y += step) {
			for (int x = 0; x < 1270; x += step) {
				draw((struct rect){ x, y, 2, 2 }, random_below(1 << 24) | 1);
			}
		}
		take();
		cr_assert_gt(change.n_areas, 0);
	}
	end();
}

/* ---- moves ---- */

static const struct rect TERMINAL = { 51, 37, 640, 400 };

Test(picture_diff, a_terminal_that_scrolls_is_a_move)
{
	static const int lines[] = { 1, 3, 20, -1, -5 };
	begin(800, 600);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		draw_text(TERMINAL, 100);
		take();
		draw_text(TERMINAL, (uint32_t)(100 + lines[i]));
		take();
		expect_one_move(0, -16 * lines[i]);
		cr_assert_leq(pixels_of_areas(), (size_t)abs(lines[i]) * 16 * 640);
	}
	end();
}

/* A header, a status line, a caret, and a scrollbar that moves the other way. */
Test(picture_diff, what_surrounds_a_pane_is_not_disturbed)
{
	begin(1000, 700);
	draw_text(image_rect(&drawn), 1000);
	draw_text((struct rect){ 103, 90, 600, 480 }, 1);
	take();
	for (int i = 1; i < 30; i++) {
		scroll((struct rect){ 103, 90, 600, 480 }, 0, -23);
		draw_text((struct rect){ 103, 547, 600, 23 }, (uint32_t)i * 50);
		draw((struct rect){ 706, 90, 11, 480 }, PAPER);
		draw((struct rect){ 706, 90 + i * 10, 11, 60 }, INK);
		draw((struct rect){ 150, 300, 2, 16 }, i % 2 ? INK : PAPER);
		draw_letter(20 + i * 8, 660, (uint32_t)i);
		take();
		expect_one_move(0, -23);
		cr_assert_leq(pixels_of_areas(), 600 * 23 + 11 * 480 + 4000);
	}
	end();
}

Test(picture_diff, two_panes_scroll_at_once)
{
	begin(900, 600);
	draw_text((struct rect){ 20, 20, 300, 500 }, 1);
	draw_text((struct rect){ 400, 60, 400, 500 }, 500);
	take();
	scroll((struct rect){ 20, 20, 300, 500 }, 0, -32);
	scroll((struct rect){ 400, 60, 400, 500 }, 0, 57);
	take();
	cr_assert_eq(change.n_moves, 2);
	cr_assert_leq(pixels_of_areas(), 0);
	end();
}

Test(picture_diff, a_line_that_gets_a_letter_moves_aside)
{
	begin(640, 400);
	draw_text((struct rect){ 0, 0, 640, 400 }, 7);
	draw_text((struct rect){ 0, 160, 640, 16 }, 13);
	take();
	scroll((struct rect){ 56, 160, 584, 16 }, 8, 0);
	draw_letter(56, 160, 3);
	take();
	expect_one_move(8, 0);
	cr_assert_leq(pixels_of_areas(), 24 * 16);
	end();
}

Test(picture_diff, what_is_blank_is_not_moved)
{
	begin(640, 400);
	draw((struct rect){ 100, 100, 200, 100 }, INK);
	take();
	draw((struct rect){ 100, 100, 200, 100 }, 0);
	draw((struct rect){ 100, 140, 200, 100 }, INK);
	take();
	cr_assert_eq(change.n_moves, 0);
	end();
}

/* The source of a move may be what is not grabbed. */
Test(picture_diff, only_the_area_is_written)
{
	begin(640, 400);
	draw_text(image_rect(&drawn), 1);
	take();
	draw_text(image_rect(&drawn), 2);
	take_area((struct rect){ 3, 100, 600, 200 });
	cr_assert_eq(change.n_moves, 1);
	cr_assert_lt(pixels_of_areas(), 20 * 600);
	take_area((struct rect){ 0, 0, 0, 0 });
	cr_assert_eq(change.n_areas + change.n_moves, 0);
	end();
}

/* ---- any picture ---- */

static struct rect random_rect(void)
{
	struct rect r = { (int)random_below((uint32_t)drawn.size.width),
		(int)random_below((uint32_t)drawn.size.height), 0, 0 };
	r.width = 1 + (int)random_below((uint32_t)(drawn.size.width - r.x));
	r.height = 1 + (int)random_below((uint32_t)(drawn.size.height - r.y));
	return r;
}

static void draw_anything(void)
{
	struct rect r = random_rect();
	switch (random_below(4)) {
	case 0:
		draw_noise(r);
		break;
	case 1:
		draw(r, random_below(1 << 24));
		break;
	default:
		scroll(r, (int)random_below(2) * (int)random_below((uint32_t)r.width),
			-(int)random_below((uint32_t)r.height));
	}
}

Test(picture_diff, any_picture_comes_out_as_it_was_drawn)
{
	static const struct size sizes[] = { { 1, 1 }, { 15, 3 }, { 16, 16 }, { 17, 40 },
		{ 3, 500 }, { 700, 2 }, { 333, 222 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		begin(sizes[i].width, sizes[i].height);
		seed = (uint32_t)i;
		for (int n = 0; n < 60; n++) {
			draw_anything();
			draw_anything();
			take_area(n % 3 ? image_rect(&drawn) : random_rect());
		}
		end();
	}
}

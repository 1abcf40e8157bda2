// USES picture
/* Text on any plain colour becomes dark on white. */
#include "base/cleanup.h"
#include "vm/picture/ink.h"

#include <criterion/criterion.h>
#include <string.h>

#define WIDTH 200
#define HEIGHT 60

static uint8_t pixels[WIDTH * HEIGHT * 4], ink[WIDTH * HEIGHT];
static const struct image picture = { pixels, { WIDTH, HEIGHT }, (size_t)WIDTH * 4 };

static void fill(struct rect r, unsigned rgb)
{
	for (int y = r.y; y < r.y + r.height; y++) {
		for (int x = r.x; x < r.x + r.width; x++) {
			uint8_t *p = pixels + ((size_t)y * WIDTH + (size_t)x) * 4;
			p[0] = (uint8_t)rgb;
			p[1] = (uint8_t)(rgb >> 8);
			p[2] = (uint8_t)(rgb >> 16);
		}
	}
}

static int at(int x, int y)
{
	return ink[y * WIDTH + x];
}

static void page(unsigned paper)
{
	fill((struct rect){ 0, 0, WIDTH, HEIGHT }, paper);
}

Test(ink, text_on_any_colour_is_dark_on_white)
{
	static const unsigned colours[][2] = { { 0xffffff, 0x000000 }, { 0x000000, 0xffffff },
		{ 0x0066cc, 0xffffff }, { 0xff0000, 0x0000ff } };
	for (size_t i = 0; i < 4; i++) {
		page(colours[i][0]);
		fill((struct rect){ 50, 20, 3, 12 }, colours[i][1]);
		ink_find(&picture, ink);
		cr_expect_lt(at(51, 25), 60, "%zu: %d", i, at(51, 25));
		cr_expect_eq(at(45, 25), 255, "%zu: %d", i, at(45, 25));
	}
}

Test(ink, grey_text_is_nearly_as_dark)
{
	page(0xffffff);
	fill((struct rect){ 50, 20, 3, 12 }, 0xaaaaaa);
	fill((struct rect){ 60, 20, 3, 12 }, 0xf8f8f8);
	ink_find(&picture, ink);
	cr_expect_lt(at(51, 25), 255 - 0x55, "darker than it was");
	cr_expect_eq(at(61, 25), 255, "too faint to be text");
}

Test(ink, a_button_is_its_text)
{
	page(0xffffff);
	fill((struct rect){ 40, 15, 60, 24 }, 0x0066cc);
	fill((struct rect){ 44, 22, 52, 9 }, 0xffffff); /* wide text: its rows have no plain part */
	for (int x = 44; x < 96; x += 2) {
		fill((struct rect){ x, 22, 1, 9 }, 0x0066cc);
	}
	ink_find(&picture, ink);
	cr_expect_eq(at(42, 26), 255, "the button");
	cr_expect_eq(at(44, 26), 255, "the button between letters");
	cr_expect_lt(at(45, 26), 60, "a letter");
	cr_expect_eq(at(20, 26), 255, "beside the button");
}

Test(ink, an_underline_is_neither_text_nor_background)
{
	page(0xffffff);
	fill((struct rect){ 20, 20, 3, 12 }, 0x0000ee);
	fill((struct rect){ 20, 34, 60, 1 }, 0x0000ee);
	ink_find(&picture, ink);
	cr_expect_lt(at(21, 25), 60);
	cr_expect_eq(at(50, 34), 255);
}

Test(ink, without_a_plain_part_there_is_none)
{
	for (int x = 0; x < WIDTH; x++) {
		fill((struct rect){ x, 0, 1, HEIGHT }, x % 2 ? 0xffffff : 0x000000);
	}
	ink_find(&picture, ink);
	cr_expect_eq(at(50, 25), 255);
}

Test(ink, any_size_is_possible)
{
	static const struct size sizes[] = { { 1, 1 }, { 1, 60 }, { 200, 1 }, { 33, 3 }, { 7, 2 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = (size_t)sizes[i].width * (size_t)sizes[i].height;
		uint8_t *small = must(malloc(n)),
			*large = must(malloc(4 * n)); /* ASan sees the ends */
		ink_find(&(struct image){ pixels, sizes[i], (size_t)WIDTH * 4 }, small);
		ink_double(small, sizes[i], large);
		free(small);
		free(large);
	}
}

Test(ink, doubling_keeps_what_is_flat_and_blends_edges)
{
	static const uint8_t small[] = { 0, 0, 160, 160 };
	uint8_t large[16];
	ink_double(small, (struct size){ 4, 1 }, large);
	static const uint8_t want[] = { 0, 0, 0, 40, 120, 160, 160, 160 };
	cr_expect_arr_eq(large, want, 8);
	cr_expect_arr_eq(large + 8, want, 8);
}

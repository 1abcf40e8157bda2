// USES picture
/* Numbers on a picture: they are legible on any background, apart from each other, and nothing
 * outside the picture is written, whatever the boxes are. */
#include "base/cleanup.h"
#include "vm/picture/marks.h"

#include <criterion/criterion.h>
#include <string.h>

#define WIDTH 400
#define HEIGHT 300
#define WHITE 0xffffffu

static uint32_t pixels[HEIGHT][WIDTH];
static const struct image picture = { (uint8_t *)pixels, { WIDTH, HEIGHT }, sizeof(pixels[0]) };

static void fill(uint32_t colour)
{
	for (int i = 0; i < WIDTH * HEIGHT; i++) {
		pixels[i / WIDTH][i % WIDTH] = colour;
	}
}

static void draw(struct rect box, int number, int zoom)
{
	picture_marks_draw(&picture, &(struct picture_mark){ number, box }, 1, zoom);
}

static int light(uint32_t colour)
{
	return (int)((colour >> 16 & 0xff) * 3 + (colour >> 8 & 0xff) * 6 + (colour & 0xff)) / 10;
}

/* Of the row, whose digits are 6 pixels wide. */
static int row_of_digit(int x, int y, int zoom)
{
	int bits = 0;
	for (int i = 0; i < 6; i++) {
		bits = bits << 1 | (pixels[y][x + i * zoom] == WHITE);
	}
	return bits;
}

Test(picture_marks, digits_are_white_on_dark_beside_the_box)
{
	static const uint32_t backgrounds[] = { 0x000000, 0xffffff, 0x808080, 0x304858 };
	for (size_t i = 0; i < 4; i++) {
		fill(backgrounds[i]);
		draw((struct rect){ 100, 100, 80, 20 }, 17, 1);
		/* Above the box: one rim, two of margin, a 1 and a 7. */
		cr_expect_eq(row_of_digit(103, 100 - 15 + 3, 1), 0x0c);
		cr_expect_eq(row_of_digit(103, 100 - 15 + 3 + 8, 1), 0x3f);
		cr_expect_eq(row_of_digit(110, 100 - 15 + 3, 1), 0x3f);
		cr_expect_eq(row_of_digit(110, 100 - 15 + 3 + 8, 1), 0x18);
		cr_expect_lt(light(pixels[86][101]), 110, "%06x", pixels[86][101]);
		cr_expect_eq(pixels[85][100], WHITE, "the rim");
		cr_expect_lt(light(pixels[100][150]), 110, "the box");
		cr_expect_eq(pixels[101][150], WHITE, "and beside it");
		cr_expect_eq(pixels[110][140], backgrounds[i], "what is in it stays");
	}
}

Test(picture_marks, zoom_makes_larger_digits)
{
	fill(0);
	draw((struct rect){ 100, 100, 80, 20 }, 7, 2);
	cr_expect_eq(row_of_digit(106, 100 - 30 + 6, 2), 0x3f);
	cr_expect_eq(row_of_digit(106, 100 - 30 + 7, 2), 0x3f);
}

/* Each label has its white rim: counts those whose whole rim is there. */
Test(picture_marks, labels_of_neighbours_do_not_hide_each_other)
{
	struct picture_mark marks[20];
	fill(0x101010);
	for (int i = 0; i < 20; i++) {
		marks[i] = (struct picture_mark){ i + 1,
			{ 20 + i % 5 * 70, 40 + i / 5 * 50, 60, 18 } };
	}
	picture_marks_draw(&picture, marks, 20, 1);
	for (int i = 0; i < 20; i++) {
		int rim = 0, y = marks[i].box.y - 15, width = i < 9 ? 12 : 19;
		for (int x = 0; x < width; x++) {
			rim += pixels[y][marks[i].box.x + x] == WHITE;
		}
		cr_expect_eq(rim, width, "label %d: %d of %d", i + 1, rim, width);
	}
}

Test(picture_marks, a_label_is_inside_the_picture)
{
	fill(0x404040);
	draw((struct rect){ 0, 0, WIDTH, HEIGHT }, 8, 1);
	cr_expect_eq(row_of_digit(3, 3, 1), 0x1e);
}

Test(picture_marks, no_box_writes_outside)
{
	static const struct rect boxes[] = { { -50, -50, 20, 20 }, { -50, -50, 1000, 1000 },
		{ WIDTH - 1, HEIGHT - 1, 1, 1 }, { WIDTH, HEIGHT, 5, 5 }, { 10, 10, 1, 1 },
		{ -16000, 5, 32000, 3 } };
	/* The sanitizer watches the ends of this one. */
	struct image alone = picture;
	alone.pixels = must(malloc(sizeof(pixels)));
	memset(alone.pixels, 0, sizeof(pixels));
	for (size_t i = 0; i < sizeof(boxes) / sizeof(*boxes); i++) {
		for (int zoom = 1; zoom < 4; zoom++) {
			picture_marks_draw(
				&alone, &(struct picture_mark){ (int)i * 37, boxes[i] }, 1, zoom);
		}
	}
	free(alone.pixels);
}

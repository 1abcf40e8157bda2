// USES agent
/* Several areas are taken into one change: a viewer that does it has the same picture. */
#include "vm/agent/stream/kept_picture.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>

#define WIDTH 240
#define HEIGHT 256

static uint32_t screen[HEIGHT][WIDTH], viewer[HEIGHT][WIDTH];
static struct kept_picture kept;
static uint32_t chance = 1;

static uint32_t below(uint32_t n)
{
	chance = chance * 1664525u + 1013904223u;
	return (chance >> 8) % n;
}

static void start(void)
{
	kept_picture_init(&kept, (struct size){ WIDTH, HEIGHT });
}

static void stop(void)
{
	kept_picture_done(&kept);
}

TestSuite(kept_picture, .init = start, .fini = stop);

static void copy(uint32_t (*to)[WIDTH], struct rect area, uint32_t (*from)[WIDTH], int x, int y)
{
	static uint32_t rows[HEIGHT][WIDTH];
	memcpy(rows, from, sizeof(rows));
	for (int row = 0; row < area.height; row++) {
		memcpy(&to[area.y + row][area.x], &rows[y + row][x], (size_t)area.width * 4);
	}
}

static void scribble(struct rect area)
{
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			screen[y][x] = below(1u << 24);
		}
	}
}

static void take(struct rect area, struct picture_change *change)
{
	struct image fresh = { (uint8_t *)&screen[area.y][area.x], { area.width, area.height },
		WIDTH * 4 };
	kept_picture_take(&kept, area, &fresh, change);
}

static void view(const struct picture_change *change)
{
	for (size_t i = 0; i < change->n_moves; i++) {
		const struct picture_move *move = &change->moves[i];
		copy(viewer, move->to, viewer, move->from.x, move->from.y);
	}
	for (size_t i = 0; i < change->n_areas; i++) {
		struct rect area = change->areas[i];
		copy(viewer, area, screen, area.x, area.y);
	}
	cr_assert_eq(memcmp(viewer, screen, sizeof(viewer)), 0);
}

/* The second area scrolls; its first rows are what the one above has shown before, or shows now. */
Test(kept_picture, moves_read_what_a_viewer_has)
{
	static const struct rect first = { 0, 0, WIDTH, HEIGHT / 2 };
	static const struct rect second = { 0, HEIGHT / 2, WIDTH, HEIGHT / 2 };
	struct picture_change change = { 0 };
	size_t moves = 0;
	scribble(first);
	scribble(second);
	take((struct rect){ 0, 0, WIDTH, HEIGHT }, &change);
	view(&change);
	for (int round = 0; round < 200; round++) {
		int down = (int)below(40);
		change = (struct picture_change){ 0 };
		if (below(2)) {
			scribble(first);
		}
		copy(screen, second, screen, 0, HEIGHT / 2 - down);
		if (below(2)) {
			scribble((struct rect){ 120, HEIGHT - 28, 60, 20 });
		}
		take(first, &change);
		take(second, &change);
		view(&change);
		moves += change.n_moves;
	}
	cr_expect_gt(moves, 10, "moves are told of");
}

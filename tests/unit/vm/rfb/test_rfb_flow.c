// USES rfb
/* How many updates are on their way, and what changed since a frame. */
#include "vm/rfb/flow.h"
#include "vm/rfb/history.h"

#include "vm/rfb/encode.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* ---- flow ---- */

/* Sends as long as it may; returns how many. */
static unsigned fill(struct flow *flow, uint64_t now)
{
	unsigned n = 0;
	for (; flow_is_open(flow); n++) {
		flow_sent(flow, now);
		cr_assert_lt(n, 100);
	}
	return n;
}

static void take_all(struct flow *flow, uint64_t now)
{
	while (flow->taken != flow->sent) {
		flow_taken(flow, flow->taken + 1, now);
	}
}

Test(rfb_flow, a_quick_viewer_gets_a_longer_line)
{
	struct flow flow = { 0 };
	uint64_t now = 1000000;
	unsigned before = fill(&flow, now), most = before;
	cr_expect_eq(before, 2);
	for (int i = 0; i < 40; i++) {
		now += 20000;
		take_all(&flow, now);
		most = fill(&flow, now);
		cr_assert_geq(most, before);
		before = most;
	}
	cr_expect_eq(most, FLOW_MAX);
}

Test(rfb_flow, a_queue_makes_it_shorter_and_never_nothing)
{
	struct flow flow = { .window = FLOW_MAX };
	uint64_t now = 1000000;
	flow_sent(&flow, now);
	flow_taken(&flow, 1, now + 5000);
	for (int i = 0; i < 20; i++) {
		cr_assert_geq(fill(&flow, now), 1);
		now += 500000;
		take_all(&flow, now);
	}
	cr_expect_eq(fill(&flow, now), 1);
}

Test(rfb_flow, numbers_that_were_not_sent_count_for_nothing)
{
	static const uint32_t strange[] = { 0, 6, 7, 8, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	struct flow flow = { .sent = 5, .taken = 3, .window = 2 };
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		flow_taken(&flow, strange[i], 99);
		cr_assert_eq(flow.taken, 3);
		cr_assert_eq(flow.window, 2);
	}
	for (uint32_t old = 1; old <= 3; old++) {
		flow_taken(&flow, old, 99);
		cr_assert_eq(flow.taken, 3, "no number counts twice");
	}
	flow_taken(&flow, 5, 99);
	cr_expect_eq(flow.taken, 5, "one may stand for those before it");
}

Test(rfb_flow, counts_on_beyond_the_last_number)
{
	struct flow flow = { .sent = UINT32_MAX - 1, .taken = UINT32_MAX - 1 };
	for (int i = 0; i < 4; i++) {
		fill(&flow, 1000);
		take_all(&flow, 2000);
	}
	cr_expect_lt(flow.sent, 100u);
	cr_expect_eq(flow.taken, flow.sent);
}

/* ---- history ---- */

static struct history h;

static void start(void)
{
	history_init(&h, (struct size){ 5000, 700 });
}

static void stop(void)
{
	history_done(&h);
}

TestSuite(rfb_history, .init = start, .fini = stop);

static long pixels_since(uint32_t from, bool moves)
{
	struct rect *areas;
	size_t n = history_since(&h, from, moves, &areas);
	long pixels = 0;
	for (size_t i = 0; i < n; i++) {
		struct rect a = areas[i];
		cr_assert(a.width > 0 && a.height > 0 && a.x >= 0 && a.y >= 0);
		cr_assert(a.x + a.width <= 5000 && a.y + a.height <= 700);
		cr_assert(a.width <= RFB_AREA_WIDTH_MAX && a.height <= RFB_AREA_HEIGHT_MAX);
		pixels += (long)a.width * a.height;
	}
	cr_assert_eq(areas != NULL, n > 0);
	free(areas);
	return pixels;
}

static void add(struct rect area)
{
	history_add(&h, NULL, 0, &area, 1);
}

Test(rfb_history, who_knows_nothing_gets_all_once)
{
	cr_expect_eq(pixels_since(0, true), 5000 * 700);
	cr_expect_eq(pixels_since(1, true), 0);
	add((struct rect){ 0, 0, 5000, 700 });
	cr_expect_eq(pixels_since(1, true), 5000 * 700);
	add((struct rect){ 10, 10, 5, 5 });
	cr_expect_eq(pixels_since(0, true), 5000 * 700);
}

Test(rfb_history, a_step_is_exact_and_more_are_tiles)
{
	add((struct rect){ 100, 100, 7, 3 });
	cr_expect(history_is_step(&h, 1));
	cr_expect_eq(pixels_since(1, true), 21);
	add((struct rect){ 100, 100, 7, 3 });
	cr_expect_eq(pixels_since(2, true), 21);
	cr_expect_eq(pixels_since(1, true), 64 * 64, "the same tile twice is one");
	cr_expect_eq(pixels_since(3, true), 0);
}

Test(rfb_history, moves_are_pixels_to_who_cannot_move)
{
	struct picture_move moves[] = { { { 0, 0, 64, 64 }, { 64, 0 } } };
	struct rect area = { 640, 640, 1, 1 };
	history_add(&h, moves, 1, &area, 1);
	cr_expect_eq(pixels_since(1, true), 1);
	cr_expect_eq(pixels_since(1, false), 64 * 64 + 64 * 60);
	add(area);
	cr_expect_eq(pixels_since(1, true), 64 * 64 + 64 * 60, "it is no step any more");
}

Test(rfb_history, what_lies_outside_is_cut_off)
{
	static const struct rect areas[] = { { -10, -10, 5, 5 }, { 5000, 0, 9, 9 },
		{ 4990, 690, 100, 100 }, { -5, -5, 10, 10 } };
	struct picture_move moves[] = { { { 4990, 0, 20, 10 }, { 0, 0 } },
		{ { 100, 100, 10, 10 }, { 0, 0 } } };
	history_add(&h, moves, 2, areas, 4);
	cr_expect_eq(h.n_moves, 0, "the second move reads what the first one has not done");
	cr_expect_eq(pixels_since(1, true), 100 + 100 + 100 + 25);
}

Test(rfb_history, nothing_is_no_frame)
{
	history_add(&h, NULL, 0, NULL, 0);
	cr_expect_eq(h.frame, 1);
}

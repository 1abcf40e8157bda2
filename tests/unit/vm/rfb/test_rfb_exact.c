// USES rfb PkgConfig::turbojpeg
/* What viewers get as JPEG is sent again, exact, when it has come to rest. */
#include "rfb_people.h"

static struct world w;

static void start(void)
{
	chance = seed = 5;
	world_start(&w, (struct size){ 300, 200 });
}

static void stop(void)
{
	world_stop(&w);
}

TestSuite(rfb_exact, .init = start, .fini = stop);

static const struct rect whole = { 0, 0, 300, 200 };

/* Many colors in all of it. */
static void photograph(struct rect area)
{
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			uint32_t color = below(1u << 24);
			memcpy(pixel_at(&w.picture, x, y), &color, 4);
		}
	}
	w.news = area;
	rfb_server_changed(w.server);
}

static struct person *look(bool continuous)
{
	struct taste taste = { .tight = true,
		.quality = 6,
		.moves = true,
		.cursor = RFB_CURSOR,
		.continuous = continuous,
		.fences = continuous };
	return join(&w, taste);
}

static int count_different(const struct person *p)
{
	int n = 0;
	for (int i = 0; i < 300 * 200; i++) {
		uint32_t pixel;
		memcpy(&pixel, pixel_at(&w.picture, i % 300, i / 300), 4);
		n += (pixel & 0xffffff) != (p->seen.frame[i] & 0xffffff);
	}
	return n;
}

Test(rfb_exact, a_photograph_is_jpeg_first_and_exact_at_rest)
{
	struct person *p = look(true);
	photograph(whole);
	come_to_rest(&w);
	cr_assert_gt(count_different(p), 1000, "it is JPEG at first");
	come_to_exact_rest(&w);
	cr_assert_eq(count_different(p), 0);
}

Test(rfb_exact, a_viewer_that_asks_gets_it_as_one_that_does_not)
{
	struct person *p = look(false);
	photograph(whole);
	come_to_exact_rest(&w);
	cr_assert_eq(count_different(p), 0);
}

Test(rfb_exact, who_joins_gets_jpeg_and_costs_the_others_nothing)
{
	struct person *p = look(true);
	photograph(whole);
	come_to_exact_rest(&w);
	size_t got = p->got;
	struct person *late = look(true);
	come_to_rest(&w);
	come_to_exact_rest(&w);
	cr_expect_eq(count_different(late), 0);
	cr_expect_lt(p->got, got + 1000, "%zu bytes", p->got - got);
}

Test(rfb_exact, what_goes_on_changing_is_not_sent_twice)
{
	struct person *p = look(true);
	for (int i = 0; i < 20; i++) {
		photograph(whole);
		come_to_rest(&w);
	}
	cr_expect_eq(p->viewer->place.exact, 0);
	come_to_exact_rest(&w);
	cr_expect_eq(count_different(p), 0);
}

Test(rfb_exact, what_was_moved_before_it_was_exact_is_exact_later)
{
	static const struct picture_move up = { { 0, 0, 300, 170 }, { 0, 30 } };
	struct person *p = look(true);
	photograph(whole);
	come_to_rest(&w);
	w.plan = (struct picture_change){ .moves = { up }, .n_moves = 1 };
	rfb_server_changed(w.server);
	come_to_exact_rest(&w);
	cr_expect_gt(p->seen.copies, 0);
	cr_expect_eq(count_different(p), 0);
}

// USES rfb PkgConfig::turbojpeg PkgConfig::vpx
/* Viewers of a film: in time, late, slow, and those that know no VP9. */
#include "rfb_people.h"

#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#define WIDTH 400
#define HEIGHT 300

static struct world w;
static const struct rect film_area = { 70, 40, 260, 200 };
static vpx_codec_ctx_t decoders[PEOPLE_MAX][MOTION_AREAS_MAX];
static int at; /* which picture of the film */

static void start(void)
{
	chance = seed = 7;
	at = 0;
	world_start(&w, (struct size){ WIDTH, HEIGHT });
	for (int i = 0; i < WIDTH * HEIGHT; i++) { /* few colors around it */
		uint32_t color = i % 7 < 3 ? 0x102030 : 0xd0e0f0;
		memcpy(pixel_at(&w.picture, i % WIDTH, i / WIDTH), &color, 4);
	}
}

static void stop(void)
{
	world_stop(&w);
	for (int i = 0; i < PEOPLE_MAX; i++) {
		for (int part = 0; part < MOTION_AREAS_MAX; part++) {
			vpx_codec_destroy(&decoders[i][part]);
		}
	}
}

TestSuite(rfb_films, .init = start, .fini = stop, .timeout = 120);

/* ---- a picture of the film ---- */

static void show_next(struct rect area)
{
	int t = 3 * at++;
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			uint32_t color = (uint32_t)((x + t) / 2 & 255) << 16 |
					 (uint32_t)((y + t) & 255) << 8 |
					 (uint32_t)((x + y - t) / 2 & 255);
			memcpy(pixel_at(&w.picture, x, y), &color, 4);
		}
	}
	w.news = area;
	rfb_server_changed(w.server);
}

/* ---- a viewer's decoder ---- */

static size_t index_of(const struct person *p)
{
	size_t i = 0;
	while (w.people[i] != p) {
		i++;
	}
	return i;
}

static uint32_t clip_color(double value)
{
	return value < 0 ? 0 : value > 255 ? 255 : (uint32_t)(value + 0.5);
}

static uint32_t rgb_at(const vpx_image_t *image, int x, int y)
{
	int luma = image->planes[0][y * image->stride[0] + x];
	int u = image->planes[1][y / 2 * image->stride[1] + x / 2] - 128;
	int v = image->planes[2][y / 2 * image->stride[2] + x / 2] - 128;
	return clip_color(luma + 1.402 * v) << 16 |
	       clip_color(luma - 0.344136 * u - 0.714136 * v) << 8 | clip_color(luma + 1.772 * u);
}

static void decode_film(void *data, unsigned part, bool key, const uint8_t *frame, size_t len,
	int width, int height, uint32_t *to)
{
	vpx_codec_iter_t next = NULL;
	cr_assert_lt(part, MOTION_AREAS_MAX);
	vpx_codec_ctx_t *decoder = &decoders[index_of(data)][part];
	if (key) {
		vpx_codec_destroy(decoder);
		cr_assert_eq(
			vpx_codec_dec_init(decoder, vpx_codec_vp9_dx(), NULL, 0), VPX_CODEC_OK);
	}
	cr_assert_eq(vpx_codec_decode(decoder, frame, (unsigned)len, NULL, 0), VPX_CODEC_OK,
		"a frame without those before it");
	const vpx_image_t *image = vpx_codec_get_frame(decoder, &next);
	cr_assert_not_null(image);
	cr_assert_eq(image->cs, VPX_CS_BT_601);
	cr_assert_eq(image->range, VPX_CR_FULL_RANGE);
	cr_assert_eq((int)image->d_w, width);
	cr_assert_eq((int)image->d_h, height);
	for (int i = 0; i < width * height; i++) {
		to[i] = rgb_at(image, i % width, i / width);
	}
}

static struct person *look(bool video)
{
	struct taste taste = { .tight = true,
		.quality = 6,
		.moves = true,
		.cursor = RFB_CURSOR,
		.continuous = true, /* without fences: a slow machine is no slow line */
		.video = video };
	struct person *p = join(&w, taste);
	p->seen.film = video ? decode_film : NULL;
	return p;
}

/* ---- what it sees ---- */

static double error_of(const struct person *p, struct rect area)
{
	double sum = 0;
	for (int y = area.y; y < area.y + area.height; y++) {
		for (int x = area.x; x < area.x + area.width; x++) {
			const uint8_t *is = pixel_at(&w.picture, x, y);
			uint32_t seen = p->seen.frame[y * WIDTH + x];
			for (int i = 0; i < 3; i++) {
				double d = is[i] - (double)(seen >> 8 * i & 255);
				sum += d * d;
			}
		}
	}
	return sum / (3.0 * area.width * area.height);
}

static const struct rect all = { 0, 0, WIDTH, HEIGHT };

static void expect_exact(const struct person *p)
{
	double error = error_of(p, all);
	cr_assert(error == 0, "mean square error %g", error);
}

/* ---- time ---- */

/* Frames of the film for so long, every 40 ms. */
static void play_for(unsigned ms, struct rect area)
{
	for (uint64_t end = loop_now_us() + ms * 1000ull, next = 0; loop_now_us() < end;) {
		uint64_t now = loop_now_us();
		if (now >= next) {
			show_next(area);
			next = now + 40000;
		}
		live_all(&w);
		sd_event_run(w.event, 5000);
	}
}

/* Until so many frames have been seen. */
static void play_until(const struct person *p, int films)
{
	for (int i = 0; p->seen.films < films; i++) {
		cr_assert_lt(i, 200, "%d frames of a film, not %d", p->seen.films, films);
		play_for(200, film_area);
	}
}

static void settle(void)
{
	come_to_rest(&w);
	while (w.server->tick || w.server->job || w.server->film_due) {
		sd_event_run(w.event, UINT64_MAX);
		come_to_rest(&w);
	}
}

/* The film, too. */
static void catch_up(void)
{
	come_to_rest(&w);
	while (w.server->job || w.server->film_due) {
		sd_event_run(w.event, UINT64_MAX);
		come_to_rest(&w);
	}
}

static void write_line(const struct rect *area)
{
	uint32_t color = below(1u << 24);
	for (int i = 0; i < area->width * area->height; i++) {
		memcpy(pixel_at(&w.picture, area->x + i % area->width, area->y + i / area->width),
			&color, i % 3 ? 4 : 0);
	}
	w.news = *area;
	rfb_server_changed(w.server);
}

static void expect_film(const struct person *p)
{
	double error = error_of(p, film_area);
	cr_expect_lt(error, 100, "mean square error %g", error);
}

/* ---- tests ---- */

Test(rfb_films, a_film_is_seen_as_vp9_and_exact_when_it_ends)
{
	struct person *p = look(true);
	play_until(p, 1);
	int films = p->seen.films, tights = p->seen.tights;
	uint32_t number = w.server->n_films;
	play_until(p, films + 4);
	cr_expect(p->seen.tights == tights || w.server->n_films > number,
		"nothing of it is Tight, unless a slow machine interrupts it");
	catch_up();
	expect_film(p);
	settle();
	expect_exact(p);
	cr_expect_gt(p->seen.tights, tights);
}

Test(rfb_films, one_encoding_is_for_all_and_others_have_jpeg)
{
	struct person *a = look(true), *b = look(true), *other = look(false);
	play_until(a, 1);
	play_for(1000, film_area);
	catch_up();
	const struct rfb_kind *kind = a->viewer->kind;
	cr_expect_eq(kind, b->viewer->kind);
	cr_expect_null(kind->films[0][RFB_SLOW], "one encoder");
	cr_expect_eq(a->seen.films, b->seen.films);
	expect_film(a);
	expect_film(b);
	expect_film(other);
	settle();
	expect_exact(a);
	expect_exact(b);
	expect_exact(other);
}

Test(rfb_films, who_joins_sees_all_at_once_and_then_the_film)
{
	struct person *first = look(true);
	play_until(first, 1);
	for (int i = 0; i < 3; i++) {
		struct person *late = look(true);
		come_to_rest(&w);
		cr_assert_not_null(late->seen.frame);
		cr_expect_gt(late->seen.tights, 0);
		expect_film(late);
		play_until(late, 1);
		catch_up();
		expect_film(late);
		leave(&w, late);
	}
	settle();
	expect_exact(first);
}

Test(rfb_films, a_slow_viewer_resumes_at_a_key_frame_and_delays_no_other)
{
	struct person *slow = look(true), *fast = look(true);
	play_until(slow, 1);
	slow->stalled = true;
	int seen = slow->seen.films, before = fast->seen.films;
	play_until(fast, before + FILM_KEPT + 1);
	cr_expect_eq(slow->seen.films, seen);
	slow->stalled = false;
	play_until(slow, seen + 1);
	catch_up();
	expect_film(slow);
	settle();
	expect_exact(slow);
	expect_exact(fast);
}

Test(rfb_films, who_is_a_little_late_gets_all_frames)
{
	struct person *p = look(true), *other = look(true);
	play_until(p, 1);
	uint32_t key = w.server->n_films;
	p->stalled = true;
	play_for(150, film_area);
	p->stalled = false;
	catch_up();
	cr_expect(p->seen.films == other->seen.films || w.server->n_films > key,
		"on a slow machine, the film may have ended meanwhile");
	expect_film(p);
}

Test(rfb_films, the_pointer_is_in_the_film_of_who_only_looks)
{
	struct person *p = look(true), *looker = look(true);
	looker->looks_only = true;
	rfb_viewer_set_control(looker->viewer, false);
	w.cursor = 1;
	w.pointed = true;
	for (int i = 0; i < 6 || looker->seen.films == 0; i++) {
		cr_assert_lt(i, 100);
		w.at = (struct point){ 100 + 5 * i, 100 };
		play_for(300, film_area);
	}
	cr_expect_gt(p->seen.films, 0);
	settle();
	expect_exact(p);
	expect_picture(looker);
}

/* A film ends while a slow machine shows no picture of it, and is found again when it goes on. */
static bool is_film_found(void)
{
	struct rect area = motion_areas(w.server->motion)[0];
	cr_expect(area.width == 0 || rect_equal(area, film_area), "%d,%d %dx%d", area.x, area.y,
		area.width, area.height);
	return area.width > 0;
}

/* Lines come so rarely that they are no part of it whatever time all else takes. */
Test(rfb_films, what_is_beside_a_film_is_exact)
{
	static const struct rect beside = { 332, 0, 68, HEIGHT }, above = { 0, 0, WIDTH, 40 };
	struct person *p = look(true);
	play_until(p, 1);
	for (int i = 0; i < 10; i++) {
		play_for(300, film_area);
		catch_up();
		write_line(&(struct rect){ 332, 10 * i, 60, 9 });
		come_to_rest(&w);
		if (!is_film_found()) {
			settle();
		}
		cr_expect_eq(error_of(p, beside), 0, "line %d", i);
		cr_expect_eq(error_of(p, above), 0, "line %d", i);
	}
}

/* Whole tiles have changed for a viewer that lacks more than one frame. */
Test(rfb_films, what_is_beside_a_film_is_sent_apart_until_it_is_exact)
{
	static const struct rect none[MOTION_AREAS_MAX];
	const struct rfb_kind_key key = {
		.how = { .format = formats[0], .tight = true, .quality = 6 },
		.size = { WIDTH, HEIGHT }
	};
	const struct picture_change change = { .areas = { film_area }, .n_areas = 1 };
	const struct rfb_scene scene = world_scene(false, &w);
	struct rfb_kind *kind = rfb_kind_new(&key);
	rfb_kind_set_moving(kind, 0, film_area);
	const struct rfb_place from = { .frame = kind->history.frame };
	rfb_kind_advance(kind, &change, &scene);
	rfb_kind_advance(kind, &change, &scene);
	exact_add(&kind->exact, film_area);
	rfb_kind_set_moving(kind, 0, none[0]);
	rfb_kind_tick(kind, none, MOTION_AREAS_MAX);
	struct rfb_update *update = rfb_kind_update(kind, &from, RFB_FAST);
	cr_assert_gt(update->n_pending, 1);
	for (size_t i = 0; i < update->n_pending; i++) {
		struct rect r = update->pending[i];
		cr_expect(!rect_overlaps(r, film_area) || rect_equal(rect_common(r, film_area), r),
			"%d,%d %dx%d", r.x, r.y, r.width, r.height);
	}
	for (int i = 0; i < RFB_STILL_TICKS + 1; i++) {
		rfb_kind_tick(kind, none, MOTION_AREAS_MAX);
	}
	cr_expect_eq(kind->moving[0].width, 0, "all is exact");
	rfb_update_unref(update);
	rfb_kind_free(kind);
}

/* Pixels of a film are of another moment than those around it. */
Test(rfb_films, a_scroll_that_takes_a_film_along_is_sent_as_pixels)
{
	static const struct picture_move up = { { 0, 0, WIDTH, HEIGHT - 30 }, { 0, 30 } };
	struct person *p = look(true);
	play_until(p, 1);
	int copies = p->seen.copies;
	w.plan = (struct picture_change){ .moves = { up }, .n_moves = 1 };
	rfb_server_changed(w.server);
	come_to_rest(&w);
	cr_expect(p->seen.copies == copies || motion_areas(w.server->motion)[0].width == 0,
		"unless a slow machine ended the film");
	copies = p->seen.copies;
	settle();
	expect_exact(p);
	w.plan = (struct picture_change){ .moves = { up }, .n_moves = 1 };
	rfb_server_changed(w.server);
	settle();
	cr_expect_eq(p->seen.copies, copies + 1);
	expect_exact(p);
}

Test(rfb_films, a_film_that_moves_leaves_nothing_behind)
{
	static const struct rect moved = { 140, 100, 260, 200 };
	struct person *p = look(true);
	play_until(p, 1);
	int films = p->seen.films;
	uint32_t number = w.server->n_films;
	paint_area(&w.picture, film_area);
	w.plan = (struct picture_change){ .areas = { film_area }, .n_areas = 1 };
	while (w.server->n_films == number || p->seen.films == films) {
		films = w.server->n_films == number ? p->seen.films : films;
		play_for(200, moved);
	}
	settle();
	expect_exact(p);
}

Test(rfb_films, a_viewer_may_change_its_mind)
{
	struct person *p = look(true);
	play_until(p, 1);
	p->taste.video = false;
	say_encodings(p);
	come_to_rest(&w);
	int films = p->seen.films;
	play_for(600, film_area);
	cr_expect_eq(p->seen.films, films);
	p->taste.video = true;
	say_encodings(p);
	play_until(p, films + 1);
	settle();
	expect_exact(p);
}

Test(rfb_films, who_asks_for_the_whole_picture_gets_it_and_a_key_frame)
{
	struct person *p = look(true);
	play_until(p, 1);
	play_for(FILM_KEY_MS, film_area);
	int tights = p->seen.tights, films = p->seen.films;
	say_request(p, true);
	play_for(300, film_area);
	cr_expect_gt(p->seen.tights, tights);
	play_until(p, films + 2);
	catch_up();
	expect_film(p);
}

Test(rfb_films, a_picture_may_change_its_size)
{
	struct person *p = look(true);
	p->taste.resizes = true;
	say_encodings(p);
	play_until(p, 1);
	w.next_size = (struct size){ 120, 100 };
	rfb_server_changed(w.server);
	settle();
	expect_picture(p);
}

Test(rfb_films, all_may_leave_while_a_frame_is_encoded)
{
	struct person *p = look(true);
	play_until(p, 1);
	for (int i = 0; !w.server->job && i < 20000; i++) { /* a slow machine may end the film */
		show_next(film_area);
		live_all(&w);
	}
	cr_assert_not_null(w.server->job);
	leave(&w, p);
	cr_expect(LIST_EMPTY(&w.server->kinds));
}

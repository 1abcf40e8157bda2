// USES agent
/* What is shown of the screen, and when it counts as settled. */
#include "tests/support/target.h"
#include "vm/picture/pixels.h"

#include <X11/Xatom.h>
#include <spng.h>
#include <turbojpeg.h>

static struct agent_fixture fixture;
static struct target target;
static GC gc;

static void start_sized(const char *size)
{
	agent_fixture_start(&fixture, size, false);
	struct size screen = display_size(fixture.agent.display);
	target_open(&target, &fixture, 0, 0, screen.width, screen.height, false);
	gc = XCreateGC(target.x, target.window, 0, NULL);
	agent_fixture_for_ms(&fixture, 50);
}

static void start(void)
{
	start_sized("1280x800");
}

static void start_large(void)
{
	start_sized("2560x1440");
}

static void stop(void)
{
	target_close(&target);
	agent_fixture_stop(&fixture);
}

static void fill(unsigned long colour, int x, int y, int width, int height)
{
	XSetForeground(target.x, gc, colour);
	XFillRectangle(target.x, target.window, gc, x, y, (unsigned)width, (unsigned)height);
	XSync(target.x, False);
}

/* ---- images ---- */

struct picture {
	int width, height;
	uint8_t *rgb;
};

static struct picture decode_jpeg(const struct request *req)
{
	struct picture p = { 0 };
	int sampling, colours;
	tjhandle tj = tjInitDecompress();
	cr_assert_eq(tjDecompressHeader3(tj, req->tail, req->tail_len, &p.width, &p.height,
			     &sampling, &colours),
		0);
	cr_assert_eq(sampling, TJSAMP_444);
	p.rgb = must(malloc((size_t)p.width * (size_t)p.height * 3));
	cr_assert_eq(tjDecompress2(tj, req->tail, req->tail_len, p.rgb, p.width, 0, p.height,
			     TJPF_RGB, 0),
		0);
	tjDestroy(tj);
	return p;
}

static struct picture decode_png(const struct request *req)
{
	size_t size;
	struct spng_ihdr header;
	spng_ctx *png = spng_ctx_new(0);
	spng_set_png_buffer(png, req->tail, req->tail_len);
	cr_assert_eq(spng_get_ihdr(png, &header), 0);
	struct picture p = { (int)header.width, (int)header.height, NULL };
	spng_decoded_image_size(png, SPNG_FMT_RGB8, &size);
	p.rgb = must(malloc(size));
	cr_assert_eq(spng_decode_image(png, p.rgb, size, SPNG_FMT_RGB8, 0), 0);
	spng_ctx_free(png);
	return p;
}

static void expect_pixel(const struct picture *p, int x, int y, unsigned rgb, int slack)
{
	const uint8_t *at = p->rgb + 3 * ((size_t)y * (size_t)p->width + (size_t)x);
	for (int i = 0; i < 3; i++) {
		int want = (int)(rgb >> (16 - 8 * i) & 0xff);
		cr_assert_leq(abs(at[i] - want), slack, "(%d, %d) is %02x%02x%02x, not %06x", x, y,
			at[0], at[1], at[2], rgb);
	}
}

static const json_t *frame_of(const struct request *req)
{
	cr_assert(req->result, "%s", req->err.text);
	return json_object_get(req->result, "frame");
}

static int64_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* Looks, decodes and checks that the picture has the size it is said to have. */
static struct picture look(struct request *req, const char *json)
{
	agent_fixture_act(&fixture, req, json);
	const json_t *frame = frame_of(req);
	bool png = strcmp(json_string_value(json_object_get(frame, "format")), "png") == 0;
	struct picture p = png ? decode_png(req) : decode_jpeg(req);
	cr_assert_eq(number(frame, "width"), p.width);
	cr_assert_eq(number(frame, "height"), p.height);
	return p;
}

static void done(struct request *req, struct picture *p)
{
	agent_fixture_done(req);
	free(p->rgb);
}

Test(look, shows_the_screens_pixels, .init = start, .fini = stop)
{
	struct request req;
	fill(0xff0000, 0, 0, 100, 100);
	fill(0x00ff00, 1180, 700, 100, 100);
	fill(0x0000ff, 600, 300, 64, 64);
	for (int png = 0; png < 2; png++) {
		struct picture p =
			look(&req, png ? "{'observe': {'mode': 'frame', 'format': 'png'}}"
				       : "{'observe': {'mode': 'frame'}}");
		cr_assert_eq(p.width, 1280);
		cr_assert_eq(p.height, 800);
		expect_pixel(&p, 50, 50, 0xff0000, png ? 0 : 3);
		expect_pixel(&p, 1230, 750, 0x00ff00, png ? 0 : 3);
		expect_pixel(&p, 632, 332, 0x0000ff, png ? 0 : 3);
		expect_pixel(&p, 300, 300, 0x336699, png ? 0 : 3);
		done(&req, &p);
	}
}

Test(look, gives_the_pixels_themselves_when_asked, .init = start, .fini = stop)
{
	struct request req;
	struct image image;
	struct err err;
	fill(0x123456, 90, 90, 40, 40);
	struct picture p = look(&req, "{'observe': {'mode': 'frame', 'format': 'png', "
				      "'region': [60, 80, 200, 150]}}");
	agent_fixture_done(&req);
	agent_fixture_act(&fixture, &req,
		"{'observe': {'mode': 'frame', 'format': 'png', 'raw': true, "
		"'region': [60, 80, 200, 150], 'scale': 0.5}}");
	const json_t *raw = json_object_get(frame_of(&req), "raw");
	cr_assert_eq(number(frame_of(&req), "width"), 70);
	cr_assert_eq(json_integer_value(json_array_get(raw, 0)), p.width, "they are not scaled");
	cr_assert_eq(json_integer_value(json_array_get(raw, 1)), p.height);
	struct size size = { p.width, p.height };
	cr_assert(pixels_unpack(req.tail, req.tail_len, size, &image, &err), "%s", err.text);
	for (int i = 0; i < p.width * p.height; i++) {
		const uint8_t *at = image.pixels + 4 * i;
		expect_pixel(&p, i % p.width, i / p.width,
			(unsigned)(at[2] << 16 | at[1] << 8 | at[0]), 0);
	}
	free(image.pixels);
	done(&req, &p);
}

Test(look, cuts_regions_and_scales, .init = start, .fini = stop)
{
	struct request req;
	fill(0xff0000, 200, 100, 20, 10);
	struct picture p = look(&req,
		"{'observe': {'mode': 'frame', 'format': 'png', 'region': [200, 100, 220, 110]}}");
	cr_assert_eq(p.width, 20);
	cr_assert_eq(p.height, 10);
	expect_pixel(&p, 0, 0, 0xff0000, 0);
	expect_pixel(&p, 19, 9, 0xff0000, 0);
	done(&req, &p);
	p = look(&req, "{'observe': {'mode': 'frame', 'format': 'png', 'scale': 0.5}}");
	cr_assert_eq(p.width, 640);
	expect_pixel(&p, 101, 51, 0xff0000, 0);
	expect_pixel(&p, 98, 51, 0x336699, 0);
	done(&req, &p);
	/* Zoom: a region fills the image budget. */
	p = look(&req,
		"{'observe': {'mode': 'frame', 'region': [190, 95, 230, 115], 'fill': true}}");
	struct size want = geometry_fill((struct size){ 40, 20 });
	cr_assert_eq(p.width, want.width);
	cr_assert_eq(p.height, want.height);
	expect_pixel(&p, p.width / 2, p.height / 2, 0xff0000, 3);
	expect_pixel(&p, p.width / 8, p.height / 2, 0x336699, 3);
	done(&req, &p);
}

Test(look, fits_a_large_screen_into_the_frame_space, .init = start_large, .fini = stop)
{
	struct request req;
	fill(0xff0000, 0, 0, 2560, 720);
	fill(0xffffff, 100, 100, 1, 1);
	struct picture p = look(&req, "{'observe': {'mode': 'frame', 'format': 'png'}}");
	cr_assert_eq(p.width, 1456);
	cr_assert_eq(p.height, 819);
	expect_pixel(&p, 700, 400, 0xff0000, 0);
	expect_pixel(&p, 700, 420, 0x336699, 0);
	done(&req, &p);
	/* Zoom comes from the unscaled screen. */
	p = look(&req, "{'observe': {'mode': 'frame', 'format': 'png', 'fill': true, 'region': "
		       "[56, 56, 58, 58]}}");
	bool white = false;
	for (int i = 0; i < p.width * p.height * 3; i += 3) {
		white |= p.rgb[i + 1] > 200;
	}
	cr_assert(white, "the one white pixel is lost");
	done(&req, &p);
}

Test(look, has_the_pointer_in_the_picture, .init = start, .fini = stop)
{
	struct request req;
	struct picture without = look(&req, "{'actions': [{'action': 'move', 'at': [900, 700]}],"
					    "'observe': {'mode': 'frame', 'format': 'png'}}");
	agent_fixture_done(&req);
	struct picture with = look(&req, "{'actions': [{'action': 'move', 'at': [400, 300]}],"
					 "'observe': {'mode': 'frame', 'format': 'png'}}");
	int differing = 0;
	for (int y = 280; y < 330; y++) {
		for (int x = 380; x < 430; x++) {
			size_t at = 3 * ((size_t)y * 1280 + (size_t)x);
			differing += memcmp(with.rgb + at, without.rgb + at, 3) != 0;
		}
	}
	cr_assert_gt(differing, 10);
	free(without.rgb);
	done(&req, &with);
}

static void put_noise(void)
{
	uint32_t *pixels = must(malloc(1280 * 800 * 4));
	uint32_t seed = 1;
	for (int i = 0; i < 1280 * 800; i++) {
		pixels[i] = seed = seed * 1664525u + 1013904223u;
	}
	XImage *image = XCreateImage(target.x, DefaultVisual(target.x, 0), 24, ZPixmap, 0,
		(char *)pixels, 1280, 800, 32, 0);
	XPutImage(target.x, target.window, gc, image, 0, 0, 0, 0, 1280, 800);
	XSync(target.x, False);
	XDestroyImage(image);
}

Test(look, keeps_within_max_bytes, .init = start, .fini = stop)
{
	struct request req;
	put_noise();
	struct picture p = look(&req, "{'observe': {'mode': 'frame', 'max_bytes': 400000}}");
	cr_assert_leq(req.tail_len, 400000);
	cr_assert_geq(number(frame_of(&req), "quality"), 30);
	const char *reduced = json_string_value(json_object_get(frame_of(&req), "reduced"));
	cr_assert(reduced && strstr(reduced, "400000"), "%s", reduced);
	done(&req, &p);
	p = look(&req, "{'observe': {'mode': 'frame', 'format': 'png', 'max_bytes': 60000}}");
	cr_assert_leq(req.tail_len, 60000);
	cr_assert_lt(p.width, 1280);
	cr_assert_gt(p.width, 60);
	double scale = json_real_value(json_object_get(frame_of(&req), "scale"));
	cr_assert_float_eq(scale, p.width / 1280.0, 0.001);
	done(&req, &p);
	fill(0, 0, 0, 1280, 800);
	p = look(&req, "{'observe': {'mode': 'frame'}}");
	cr_assert_null(json_object_get(frame_of(&req), "reduced"));
	cr_assert_eq(number(frame_of(&req), "quality"), 80);
	done(&req, &p);
}

/* A higher wish gives no less, and what may be used is used. */
Test(look, makes_the_best_that_fits, .init = start, .fini = stop)
{
	static const int max[] = { 150000, 400000, OBSERVE_MAX_BYTES };
	put_noise();
	for (size_t i = 0; i < sizeof(max) / sizeof(*max); i++) {
		json_int_t quality[2], width[2];
		for (int high = 0; high < 2; high++) {
			char ask[120];
			struct request req;
			snprintf(ask, sizeof(ask),
				"{'observe': {'mode': 'frame', 'quality': %d, 'max_bytes': %d}}",
				high ? 100 : 80, max[i]);
			struct picture p = look(&req, ask);
			quality[high] = number(frame_of(&req), "quality");
			width[high] = p.width;
			cr_expect_leq(req.tail_len, max[i]);
			cr_expect_geq(req.tail_len, max[i] * 3 / 4, "%zu of %d bytes", req.tail_len,
				max[i]);
			done(&req, &p);
		}
		cr_expect_eq(width[0], width[1]);
		cr_expect_geq(quality[1], quality[0]);
	}
}

Test(look, counts_changes, .init = start, .fini = stop)
{
	struct request a, b, c;
	agent_fixture_act(&fixture, &a, "{'observe': {'mode': 'frame'}}");
	agent_fixture_act(&fixture, &b, "{'observe': {'mode': 'frame'}}");
	cr_assert_eq(number(frame_of(&a), "frame_id"), number(frame_of(&b), "frame_id"));
	cr_assert_eq(a.tail_len, b.tail_len);
	cr_assert_arr_eq(a.tail, b.tail, a.tail_len);
	cr_assert_not(json_is_true(json_object_get(b.result, "changed")));
	fill(0xff0000, 10, 10, 300, 300);
	agent_fixture_act(&fixture, &c, "{'observe': {'mode': 'frame'}}");
	cr_assert_gt(number(frame_of(&c), "frame_id"), number(frame_of(&b), "frame_id"));
	struct picture p = decode_jpeg(&c);
	expect_pixel(&p, 100, 100, 0xff0000, 3);
	free(p.rgb);
	uint64_t before = fixture.changes;
	agent_fixture_until(&fixture, fixture.changes == before + 1);
	agent_fixture_done(&a);
	agent_fixture_done(&b);
	agent_fixture_done(&c);
}

/* ---- what has changed since a frame ---- */

static int64_t frame_now(void)
{
	struct request req;
	agent_fixture_act(&fixture, &req, "{}");
	int64_t id = number(req.result, "frame_id");
	agent_fixture_done(&req);
	return id;
}

/* In json, %lld is the frame. */
static void act_since(struct request *req, const char *json, int64_t frame)
{
	auto_buf struct buf text = { 0 };
	const char *at = strstr(json, "%lld");
	buf_printf(&text, "%.*s%lld%s", (int)(at - json), json, (long long)frame, at + 4);
	agent_fixture_act(&fixture, req, buf_text(&text));
}

static void expect_region(const struct request *req, int x0, int y0, int x1, int y1)
{
	json_t *region = json_object_get(frame_of(req), "region");
	json_auto_t *want = json_pack("[i,i,i,i]", x0, y0, x1, y1);
	auto_free char *got = region ? json_dumps(region, 0) : NULL;
	cr_assert(json_equal(region, want), "%s", got ? got : "none");
}

Test(look, sends_no_image_of_an_unchanged_screen, .init = start, .fini = stop)
{
	struct request same, other;
	int64_t frame = frame_now();
	act_since(&same, "{'observe': {'mode': 'frame', 'since': %lld}}", frame);
	cr_assert_null(frame_of(&same));
	cr_assert(json_is_false(json_object_get(same.result, "changed")));
	fill(0xff0000, 500, 300, 1, 1);
	act_since(&other, "{'observe': {'mode': 'frame', 'since': %lld}}", frame);
	cr_assert_not_null(frame_of(&other));
	cr_assert(json_is_true(json_object_get(other.result, "changed")));
	cr_assert_null(json_object_get(frame_of(&other), "region"));
	agent_fixture_done(&same);
	agent_fixture_done(&other);
}

Test(look, shows_only_what_has_changed, .init = start, .fini = stop)
{
	struct request req;
	int64_t first = frame_now();
	fill(0xff0000, 100, 200, 20, 20);
	int64_t second = frame_now();
	fill(0x00ff00, 900, 640, 33, 17);
	act_since(&req, "{'observe': {'mode': 'frame', 'only_changes': true, 'since': %lld}}",
		second);
	expect_region(&req, 896, 640, 944, 672);
	struct picture p = decode_jpeg(&req);
	cr_assert_eq(p.width, 48);
	cr_assert_eq(p.height, 32);
	expect_pixel(&p, 8, 4, 0x00ff00, 3);
	done(&req, &p);
	act_since(
		&req, "{'observe': {'mode': 'frame', 'only_changes': true, 'since': %lld}}", first);
	expect_region(&req, 96, 192, 944, 672);
	agent_fixture_done(&req);
}

/* As window managers report one. */
static void show_panel(int y, int height)
{
	Display *x = target.x;
	Window root = DefaultRootWindow(x);
	XSetWindowAttributes own = { .override_redirect = True };
	Atom dock = XInternAtom(x, "_NET_WM_WINDOW_TYPE_DOCK", False);
	Window panel = XCreateWindow(x, root, 0, y, 1280, (unsigned)height, 0, CopyFromParent,
		InputOutput, CopyFromParent, CWOverrideRedirect, &own);
	XChangeProperty(x, panel, XInternAtom(x, "_NET_WM_WINDOW_TYPE", False), XA_ATOM, 32,
		PropModeReplace, (unsigned char *)&dock, 1);
	XChangeProperty(x, root, XInternAtom(x, "_NET_CLIENT_LIST_STACKING", False), XA_WINDOW, 32,
		PropModeReplace, (unsigned char *)&panel, 1);
	XMapRaised(x, panel);
	XLowerWindow(x, panel); /* the fixture draws into its own window */
	XSync(x, False);
}

static void expect_change(int64_t since, const int region[4], const int aside[4])
{
	struct request req;
	act_since(
		&req, "{'observe': {'mode': 'frame', 'only_changes': true, 'since': %lld}}", since);
	expect_region(&req, region[0], region[1], region[2], region[3]);
	json_auto_t *want =
		aside ? json_pack("[i,i,i,i]", aside[0], aside[1], aside[2], aside[3]) : NULL;
	json_t *got = json_object_get(frame_of(&req), "aside");
	cr_assert(aside ? json_equal(got, want) : !got);
	agent_fixture_done(&req);
}

Test(look, leaves_out_what_has_changed_of_a_panel, .init = start, .fini = stop)
{
	static const int above[] = { 96, 192, 128, 224 }, tasks[] = { 0, 768, 64, 800 };
	static const int both[] = { 64, 752, 128, 800 };
	show_panel(768, 32);
	int64_t frame = frame_now();
	fill(0xff0000, 0, 768, 64, 32);
	expect_change(frame, tasks, NULL); /* nothing else has */
	fill(0xff0000, 100, 200, 20, 20);
	expect_change(frame, above, tasks);
	frame = frame_now();
	fill(0x00ff00, 0, 768, 128, 32);
	fill(0x00ff00, 64, 752, 64, 16); /* what touches it may lie over it */
	expect_change(frame, both, tasks);
}

Test(look, shows_what_has_changed_of_a_scaled_screen, .init = start_large, .fini = stop)
{
	struct request req;
	int64_t frame = frame_now();
	fill(0xff0000, 2552, 1432, 8, 8);
	act_since(
		&req, "{'observe': {'mode': 'frame', 'only_changes': true, 'since': %lld}}", frame);
	expect_region(&req, 1447, 810, 1456, 819);
	agent_fixture_done(&req);
}

Test(look, refuses_to_act_on_what_has_changed, .init = start, .fini = stop)
{
	struct request req;
	int64_t frame = frame_now();
	fill(0xff0000, 100, 200, 20, 20);
	act_since(&req,
		"{'actions': [{'action': 'click', 'at': [500, 500]}, {'action': 'click', 'at': [110, "
		"210]}], 'observe': {'since': %lld}}",
		frame);
	cr_assert_eq(req.err.kind, ERR_STATE);
	cr_assert(strstr(req.err.text, "[110, 210]"), "%s", req.err.text);
	agent_fixture_done(&req);
	act_since(&req,
		"{'actions': [{'action': 'click', 'at': [500, 500]}], 'observe': {'since': %lld}}",
		frame);
	cr_assert(req.result, "%s", req.err.text);
	cr_assert_eq(target_count(&target, ButtonPress), 1);
	agent_fixture_done(&req);
}

Test(look, shows_the_effect_of_actions, .init = start, .fini = stop)
{
	struct request req;
	fill(0xff0000, 100, 200, 20, 20);
	agent_fixture_act(&fixture, &req,
		"{'actions': [{'action': 'click', 'at': [500, 500]}], 'observe': {'mode': 'settled', "
		"'only_changes': true}}");
	cr_assert_null(frame_of(&req), "nothing was drawn meanwhile");
	agent_fixture_done(&req);
}

/* ---- settling ---- */

struct painter {
	sd_event_source *timer;
	uint64_t ms;
	int left, x, y;
	unsigned long colour;
};

static int paint(sd_event_source *source, uint64_t usec, void *data)
{
	(void)usec;
	struct painter *p = data;
	fill(p->colour, p->x, p->y, 20, 20);
	p->colour ^= 0xffffff;
	if (--p->left > 0) {
		sd_event_source_set_time_relative(source, p->ms * 1000);
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	return 0;
}

/* Paints a small square every ms milliseconds, so many times, from now on. */
static void paint_every(struct painter *p, uint64_t ms, int times, int x, int y)
{
	*p = (struct painter){ NULL, ms, times, x, y, 0xffff00 };
	p->timer = loop_after_ms(fixture.agent.event, ms, paint, p);
}

static bool flag(const struct request *req, const char *name)
{
	return json_is_true(json_object_get(req->result, name));
}

#define SETTLED "{'actions': [{'action': 'click', 'at': [5, 5]}], 'observe': {'mode': 'settled'"

Test(settle, waits_for_a_late_repaint, .init = start, .fini = stop)
{
	struct request req;
	struct painter p;
	paint_every(&p, 200, 1, 640, 400);
	agent_fixture_act(&fixture, &req, SETTLED "}}");
	cr_assert(flag(&req, "settled"));
	cr_assert(flag(&req, "changed"));
	struct picture picture = decode_jpeg(&req);
	expect_pixel(&picture, 650, 410, 0xffff00, 4);
	cr_assert_eq(json_array_size(json_object_get(req.result, "moving")), 0);
	free(picture.rgb);
	agent_fixture_done(&req);
	loop_drop(&p.timer);
}

Test(settle, waits_until_repaints_stop, .init = start, .fini = stop)
{
	struct request req;
	struct painter p;
	paint_every(
		&p, 30, 3, 640, 400); /* far below what counts as quiet: a busy X server is late */
	agent_fixture_act(&fixture, &req, SETTLED "}}");
	cr_assert(flag(&req, "settled"));
	cr_assert_eq(p.left, 0);
	agent_fixture_done(&req);
	loop_drop(&p.timer);
}

Test(settle, tells_when_nothing_changed, .init = start, .fini = stop)
{
	struct request req;
	agent_fixture_act(&fixture, &req, SETTLED "}}");
	cr_assert(flag(&req, "settled"));
	cr_assert_not(flag(&req, "changed"));
	cr_assert_geq(number(req.result, "waited_ms"), 299);
	agent_fixture_done(&req);
}

Test(settle, does_not_wait_for_what_never_stops, .init = start, .fini = stop)
{
	struct request req;
	struct painter p;
	paint_every(&p, 60, 100000, 650, 410);
	agent_fixture_act(&fixture, &req, SETTLED ", 'timeout_ms': 20000}}");
	cr_assert(flag(&req, "settled"));
	const json_t *moving = json_object_get(req.result, "moving");
	cr_assert_eq(json_array_size(moving), 1);
	const json_t *rect = json_array_get(moving, 0);
	static const int want[] = { 640, 384, 672, 448 };
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(json_integer_value(json_array_get(rect, i)), want[i]);
	}
	agent_fixture_done(&req);
	loop_drop(&p.timer);
}

Test(settle, ends_at_its_timeout, .init = start, .fini = stop)
{
	struct request req;
	struct painter p;
	paint_every(&p, 60, 100000, 650, 410);
	agent_fixture_act(&fixture, &req, SETTLED ", 'timeout_ms': 300}}");
	cr_assert_not(flag(&req, "settled"));
	cr_assert(flag(&req, "changed"));
	cr_assert_gt(req.tail_len, 1000);
	agent_fixture_done(&req);
	loop_drop(&p.timer);
}

Test(settle, ends_at_a_timeout_shorter_than_the_quiet_time, .init = start, .fini = stop)
{
	struct request req;
	struct painter p;
	paint_every(&p, 50, 1, 650, 410);
	agent_fixture_act(&fixture, &req, SETTLED ", 'quiet_ms': 60000, 'timeout_ms': 300}}");
	cr_assert_not(flag(&req, "settled"));
	cr_assert(flag(&req, "changed"));
	cr_assert_lt(number(req.result, "waited_ms"), 30000);
	agent_fixture_done(&req);
	loop_drop(&p.timer);
}

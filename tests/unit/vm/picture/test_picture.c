// USES vm
/* From pixels to an image: resizing, the pixels' way over the link, and the host's painting. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/guest/encode_frame.h"
#include "vm/picture/pixels.h"

#include <criterion/criterion.h>
#include <string.h>
#include <turbojpeg.h>

/* ---- scaling ---- */

static void scales_flat(int from_width, int from_height, int to_width, int to_height)
{
	struct image from = { NULL, { from_width, from_height }, (size_t)from_width * 4 };
	struct image to = { NULL, { to_width, to_height }, (size_t)to_width * 4 };
	size_t n = from.stride * (size_t)from_height, m = to.stride * (size_t)to_height;
	from.pixels = must(malloc(n));
	to.pixels = must(malloc(m));
	memset(from.pixels, 201, n);
	image_scale(&from, &to);
	for (size_t i = 0; i < m; i++) {
		cr_assert_eq(to.pixels[i], 201, "byte %zu is %d", i, to.pixels[i]);
	}
	free(from.pixels);
	free(to.pixels);
}

Test(image, scaling_keeps_a_flat_colour_at_any_size)
{
	static const int sizes[] = { 1, 2, 3, 7, 100, 257 };
	for (int a = 0; a < 6; a++) {
		for (int b = 0; b < 6; b++) {
			scales_flat(sizes[a], sizes[b], sizes[b], sizes[a]);
			scales_flat(sizes[a], 5, sizes[b], 3);
		}
	}
}

Test(image, scaling_averages_what_it_shrinks)
{
	uint8_t in[4 * 4] = { 0, 0, 0, 0, 100, 100, 100, 0, 200, 0, 0, 0, 0, 0, 0, 0 }, out[2 * 4];
	struct image from = { in, { 4, 1 }, 16 }, to = { out, { 2, 1 }, 8 };
	image_scale(&from, &to);
	cr_assert_eq(out[0], 50);
	cr_assert_eq(out[4], 100);
	cr_assert_eq(out[5], 0);
}

/* ---- pixels ---- */

/* Rows with a gap behind them, so that a packer that takes it along is seen. */
static struct image gradient(int width, int height)
{
	struct image image = { NULL, { width, height }, (size_t)width * 4 + 12 };
	image.pixels = must(malloc(image.stride * (size_t)height));
	for (size_t i = 0; i < image.stride * (size_t)height; i++) {
		image.pixels[i] = (uint8_t)(i / 7);
	}
	return image;
}

static size_t packed(struct pixels_buf *buf, int width, int height)
{
	struct image image = gradient(width, height);
	size_t len = pixels_pack(buf, &image);
	cr_assert_gt(len, 0);
	free(image.pixels);
	return len;
}

Test(pixels, come_back_as_they_were)
{
	struct pixels_buf buf = { 0 };
	struct err err;
	for (int width = 1; width < 300; width += 37) {
		struct image from = gradient(width, 50), to;
		size_t len = pixels_pack(&buf, &from);
		cr_assert(pixels_unpack(buf.bytes, len, from.size, &to, &err), "%s", err.text);
		for (size_t y = 0; y < 50; y++) {
			cr_assert_arr_eq(to.pixels + y * to.stride, from.pixels + y * from.stride,
				(size_t)width * 4);
		}
		free(from.pixels);
		free(to.pixels);
	}
	pixels_buf_done(&buf);
}

Test(pixels, that_are_too_many_for_a_message_are_not_packed)
{
	struct pixels_buf buf = { 0 };
	struct image noise = { NULL, { 1024, 1024 }, 4096 };
	uint32_t state = 1;
	noise.pixels = must(malloc(4u << 20));
	for (size_t i = 0; i < 4u << 20; i++) {
		state = state * 1664525 + 1013904223;
		noise.pixels[i] = (uint8_t)(state >> 24);
	}
	cr_assert_eq(pixels_pack(&buf, &noise), 0);
	free(noise.pixels);
	pixels_buf_done(&buf);
}

static void expect_none(const void *bytes, size_t len, int width, int height)
{
	struct image image;
	struct err err = { 0 };
	struct size size = { width, height };
	cr_assert_not(pixels_unpack(bytes, len, size, &image, &err));
	cr_assert_eq(err.kind, ERR_ARGUMENT);
}

Test(pixels, that_lie_are_refused)
{
	struct pixels_buf buf = { 0 };
	size_t len = packed(&buf, 64, 64);
	expect_none(buf.bytes, len, 64, 63);
	expect_none(buf.bytes, len, 64, 65);
	expect_none(buf.bytes, len / 2, 64, 64);
	expect_none(buf.bytes, 0, 64, 64);
	expect_none(buf.bytes, (size_t)PIXELS_PACKED_MAX + 1, 64, 64);
	for (size_t i = 0; i < len; i++) {
		struct image image;
		struct err err;
		buf.bytes[i] ^= 0x5a; /* no more than that may be read or written: ASan sees it */
		if (pixels_unpack(buf.bytes, len, (struct size){ 64, 64 }, &image, &err)) {
			free(image.pixels);
		}
		buf.bytes[i] ^= 0x5a;
	}
	pixels_buf_done(&buf);
}

/* ---- the host's painting ---- */

struct told {
	int times;
	bool failed;
	struct guest_frame frame;
	int width, height; /* of the JPEG itself */
};

static void on_painted(const struct guest_act *act, const struct err *err, void *data)
{
	struct told *told = data;
	told->times++;
	told->failed = err != NULL;
	if (act) {
		int sampling, colours;
		tjhandle tj = tjInitDecompress();
		told->frame = act->frame;
		cr_assert_eq(tjDecompressHeader3(tj, act->frame.bytes, act->frame.len, &told->width,
				     &told->height, &sampling, &colours),
			0);
		tjDestroy(tj);
	}
}

static struct guest_painting *paint(
	sd_event *event, struct pixels_buf *buf, size_t len, struct told *told)
{
	json_auto_t *json = json_object();
	const struct link_msg msg = { .json = json };
	const struct guest_act act = { .frame = { .frame_id = 7,
					       .width = 100,
					       .height = 40,
					       .quality = 80,
					       .format = FORMAT_JPEG,
					       .scale = 0.5,
					       .bytes = (const uint8_t *)buf->bytes,
					       .len = len } };
	return guest_paint(
		event, &msg, &act, (struct size){ 200, 80 }, OBSERVE_MAX_BYTES, on_painted, told);
}

Test(painting, makes_the_image_that_was_asked_for)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct pixels_buf buf = { 0 };
	struct told told = { 0 };
	size_t len = packed(&buf, 200, 80);
	cr_assert_not_null(paint(event, &buf, len, &told));
	cr_assert_eq(told.times, 0, "not from inside the call");
	pixels_buf_done(&buf); /* it has its own */
	while (told.times == 0) {
		sd_event_run(event, UINT64_MAX);
	}
	cr_assert_not(told.failed);
	cr_assert_eq(told.width, 100);
	cr_assert_eq(told.height, 40);
	cr_assert_eq(told.frame.frame_id, 7);
	cr_assert_eq(told.frame.quality, 80);
}

Test(painting, of_what_are_no_pixels_fails_once)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct pixels_buf buf = { 0 };
	struct told told = { 0 };
	size_t len = packed(&buf, 200, 79);
	cr_assert_not_null(paint(event, &buf, len, &told));
	while (told.times == 0) {
		sd_event_run(event, UINT64_MAX);
	}
	cr_assert(told.failed);
	pixels_buf_done(&buf);
}

Test(painting, that_nobody_wants_any_more_tells_nobody)
{
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	struct pixels_buf buf = { 0 };
	struct told told = { 0 };
	size_t len = packed(&buf, 200, 80);
	guest_painting_drop(paint(event, &buf, len, &told));
	work_wait_all();
	cr_assert_eq(told.times, 0);
	pixels_buf_done(&buf);
}

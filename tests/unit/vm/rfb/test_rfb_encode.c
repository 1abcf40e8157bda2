// USES rfb
/* Rectangles as a viewer gets them, taken apart again. */
#include "vm/rfb/encode.h"

#include "base/cleanup.h"
#include "tests/support/rfb.h"
#include "tests/support/tight.h"

#include <criterion/criterion.h>
#include <string.h>

#define SIDE 70
#define WIDE 700 /* no multiple of a block */
#define HIGH 250

static struct tight tight;
static struct rfb_encoder *encoder;

static void start(void)
{
	struct err err;
	tight_init(&tight);
	encoder = rfb_encoder_new(&err);
	cr_assert(encoder, "%s", err.text);
}

static void stop(void)
{
	tight_done(&tight);
	rfb_encoder_free(encoder);
}

TestSuite(rfb_encode, .init = start, .fini = stop);

/* ---- one viewer's picture ---- */

static uint32_t pixels[WIDE * HIGH], seen[WIDE * HIGH];

struct counts {
	size_t rects, jpegs, bytes;
};

static size_t take_rect(const struct buf *bytes, size_t at, struct point corner, int stride)
{
	static uint32_t part[WIDE * HIGH];
	const struct buf head = { bytes->data + at, bytes->len - at, 0 };
	int x = (int)rfb_get(&head, 0, 2) - corner.x, y = (int)rfb_get(&head, 2, 2) - corner.y;
	int width = (int)rfb_get(&head, 4, 2), height = (int)rfb_get(&head, 6, 2);
	cr_assert_eq(rfb_get(&head, 8, 4), RFB_TIGHT);
	cr_assert(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= stride);
	size_t used = tight_take(&tight, head.data + 12, head.len - 12, width, height, part);
	cr_assert_gt(used, 0);
	for (int row = 0; row < height; row++) {
		memcpy(seen + (ptrdiff_t)(y + row) * stride + x, part + (ptrdiff_t)row * width,
			(size_t)width * 4);
	}
	return 12 + used;
}

static struct counts decode(
	const struct buf *bytes, size_t rects, struct point corner, int width, int height)
{
	struct counts counts = { .rects = rects, .bytes = bytes->len };
	size_t at = 0;
	for (int i = 0; i < width * height; i++) {
		seen[i] = UINT32_MAX; /* what no rectangle covers */
	}
	for (size_t i = 0; i < rects; i++) {
		at += take_rect(bytes, at, corner, width);
		counts.jpegs += tight.control == 0x90;
	}
	cr_assert_eq(at, bytes->len, "all of it is used");
	return counts;
}

static struct counts go_round(int width, int height, int stride, int quality)
{
	static const struct point corner = { 1000, 300 };
	struct rfb_how how = { rfb_format_own, true, quality };
	struct image image = { (uint8_t *)pixels, { width, height }, (size_t)stride * 4 };
	auto_buf struct buf out = { 0 };
	size_t rects = rfb_encode(encoder, &how, &image, corner, &out);
	return decode(&out, rects, corner, width, height);
}

static int apart_at(int x, int y, int width, int stride)
{
	uint32_t a = pixels[y * stride + x], b = seen[y * width + x];
	int most = b == UINT32_MAX ? 256 : 0;
	for (int shift = 0; shift < 24; shift += 8) {
		int apart = abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
		most = apart > most ? apart : most;
	}
	return most;
}

static void expect_same(int width, int height, int tolerance)
{
	for (int i = 0; i < width * height; i++) {
		int x = i % width, y = i / width;
		cr_assert_leq(apart_at(x, y, width, SIDE), tolerance, "at %d,%d", x, y);
	}
}

static void paint(int colours)
{
	for (int i = 0; i < SIDE * SIDE; i++) {
		uint32_t n = (uint32_t)(i * 7 / 5 % colours);
		pixels[i] = 0xaa000000u | n * 40503u % 0x1000000u;
	}
}

Test(rfb_encode, few_colours_stay_what_they_are)
{
	static const int colours[] = { 1, 2, 3, 16, 255, 256 };
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++) {
			paint(colours[i]);
			struct counts counts = go_round(64, 64, SIDE, 0);
			cr_expect_eq(counts.rects, 1);
			cr_expect_eq(tight.control, colours[i] == 1 ? 0x80 : 0x40);
			expect_same(64, 64, 0);
		}
	}
}

Test(rfb_encode, any_size_fits)
{
	static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 1, 70 }, { 9, 1 }, { 8, 1 },
		{ 17, 3 }, { 70, 1 }, { 65, 64 }, { 70, 70 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int colours = 1; colours < 2000; colours = colours * 3 + 1) {
			paint(colours);
			go_round(sizes[i][0], sizes[i][1], SIDE, RFB_LOSSLESS);
			expect_same(sizes[i][0], sizes[i][1], 0);
		}
	}
}

Test(rfb_encode, many_colours_lose_only_where_that_is_allowed)
{
	for (int i = 0; i < SIDE * SIDE; i++) {
		pixels[i] = (uint32_t)(i % SIDE * 3) << 16 | (uint32_t)(i / SIDE * 3) << 8 | 77;
	}
	cr_expect_eq(go_round(64, 64, SIDE, RFB_LOSSLESS).jpegs, 0);
	cr_expect_eq(tight.control, 0);
	expect_same(64, 64, 0);
	cr_expect_eq(go_round(64, 64, SIDE, 9).jpegs, 1);
	expect_same(64, 64, 12);
}

/* What comes before a rectangle may be lost on a viewer that joins late. */
Test(rfb_encode, each_rectangle_stands_alone)
{
	struct rfb_how how = { rfb_format_own, true, RFB_LOSSLESS };
	struct image image = { (uint8_t *)pixels, { SIDE, SIDE }, SIDE * 4 };
	auto_buf struct buf first = { 0 }, second = { 0 };
	static const struct point corner = { 0, 0 };
	paint(16);
	rfb_encode(encoder, &how, &image, corner, &first);
	paint(1000);
	size_t rects = rfb_encode(encoder, &how, &image, corner, &second);
	decode(&second, rects, corner, SIDE, SIDE);
	expect_same(SIDE, SIDE, 0);
	paint(16);
	rfb_encode(encoder, &how, &image, corner, &second);
	cr_expect_eq(memcmp(first.data, second.data + second.len - first.len, first.len), 0,
		"the same bytes, whatever came before");
}

/* ---- a whole area: a page of text with a photograph ---- */

static const struct rect photo = { 128, 64, 384, 128 }; /* whole blocks */

static bool is_photo(int x, int y)
{
	return x >= photo.x && y >= photo.y && x < photo.x + photo.width &&
	       y < photo.y + photo.height;
}

static void paint_page(void)
{
	for (int i = 0; i < WIDE * HIGH; i++) {
		int x = i % WIDE, y = i / WIDE;
		bool ink = (x * 7 + y * 13) % 11 < 3 && y % 16 < 11;
		pixels[i] = ink ? 0x202020u + (uint32_t)(x % 5) * 0x101010u : 0xffffffu;
		if (is_photo(x, y)) {
			pixels[i] =
				(uint32_t)(x / 2) << 16 | (uint32_t)y << 8 | (uint32_t)(x + y) / 3;
		}
	}
}

static void expect_page(int tolerance)
{
	for (int i = 0; i < WIDE * HIGH; i++) {
		int x = i % WIDE, y = i / WIDE;
		cr_assert_leq(apart_at(x, y, WIDE, WIDE), is_photo(x, y) ? tolerance : 0,
			"at %d,%d", x, y);
	}
}

Test(rfb_encode, of_a_page_only_the_photograph_loses)
{
	paint_page();
	struct counts exact = go_round(WIDE, HIGH, WIDE, RFB_LOSSLESS);
	cr_expect_eq(exact.jpegs, 0);
	expect_page(0);
	struct counts lossy = go_round(WIDE, HIGH, WIDE, 9);
	cr_expect_eq(lossy.jpegs, 1, "the photograph is one rectangle, not %zu", lossy.jpegs);
	expect_page(16);
	cr_expect_lt(lossy.bytes, exact.bytes);
	/* 11 blocks in a row are 3 rectangles of up to 4; beside the photograph, 1 and 1. */
	cr_expect_leq(lossy.rects, 3 + 2 * 2 + 3 + 1);
	cr_expect_leq(exact.rects, 4 * 3);
}

/* ---- formats ---- */

static bool read_format(const char *bytes, struct rfb_format *ret)
{
	struct err err;
	return rfb_format_read(ret, (const uint8_t *)bytes, &err);
}

Test(rfb_encode, pixels_come_in_the_viewers_format)
{
	struct rfb_format format;
	auto_buf struct buf out = { 0 };
	uint32_t two[] = { 0xff8000, 0x0000ff };
	struct image image = { (uint8_t *)two, { 2, 1 }, 8 };
	/* 16 bits, big endian, 5-6-5 */
	cr_assert(read_format("\20\20\1\1\0\37\0\77\0\37\13\5\0\0\0\0", &format));
	rfb_format_put(&format, &image, &out);
	cr_expect_eq(out.len, 4);
	cr_expect_eq(memcmp(out.data, "\xfc\x00\x00\x1f", 4), 0);
	out.len = 0;
	/* 32 bits, little endian, blue first: noVNC's */
	cr_assert(read_format("\40\30\0\1\0\377\0\377\0\377\0\10\20\0\0\0", &format));
	cr_expect(rfb_format_has_tpixel(&format));
	rfb_format_put(&format, &image, &out);
	cr_expect_eq(memcmp(out.data, "\xff\x80\x00\x00\x00\x00\xff\x00", 8), 0);
	out.len = 0;
	/* 8 bits, 3-3-2 */
	cr_assert(read_format("\10\10\0\1\0\7\0\7\0\3\5\2\0\0\0\0", &format));
	struct rfb_how how = { format, true, 5 };
	cr_expect_not(rfb_format_has_tpixel(&format));
	cr_expect_eq(rfb_encode(encoder, &how, &image, (struct point){ 258, 3 }, &out), 1);
	cr_expect_eq(out.len, 14, "Raw, as Tight is for three bytes a pixel");
	cr_expect_eq(memcmp(out.data, "\1\2\0\3\0\2\0\1\0\0\0\0", 12), 0);
	cr_expect_eq(out.data[12], 7 << 5 | 4 << 2);
	cr_expect_eq(out.data[13], 3);
}

Test(rfb_encode, refuses_formats_that_are_none)
{
	struct rfb_format format;
	cr_expect_not(read_format("\30\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0", &format));
	cr_expect_not(read_format("\40\30\0\0\0\377\0\377\0\377\20\10\0\0\0\0", &format));
	cr_expect_not(read_format("\40\30\0\1\0\377\0\377\0\377\40\10\0\0\0\0", &format));
	cr_expect(read_format("\40\30\0\1\377\377\377\377\377\377\37\10\0\0\0\0", &format));
	uint8_t bytes[16];
	rfb_format_write(&rfb_format_own, bytes);
	cr_expect(read_format((const char *)bytes, &format));
	cr_expect_eq(format.bits, 32);
	cr_expect_eq(format.shift[0], 16);
}

// USES agent
/* Rectangles as a viewer gets them, taken apart again. */
#include "vm/agent/window/rfb_encode.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>
#include <turbojpeg.h>
#include <zlib.h>

#define STREAMS 4
#define SIDE 70

static z_stream streams[STREAMS];
static struct rfb_encoder *encoder;

static void start(void)
{
	struct err err;
	for (int i = 0; i < STREAMS; i++) {
		inflateInit(&streams[i]);
	}
	encoder = rfb_encoder_new(&err);
	cr_assert(encoder, "%s", err.text);
}

static void stop(void)
{
	for (int i = 0; i < STREAMS; i++) {
		inflateEnd(&streams[i]);
	}
	rfb_encoder_free(encoder);
}

TestSuite(rfb_encode, .init = start, .fini = stop);

static size_t take_length(const uint8_t **at)
{
	size_t len = 0;
	for (int shift = 0; shift < 21; shift += 7) {
		uint8_t byte = *(*at)++;
		len |= (size_t)(byte & (shift < 14 ? 0x7f : 0xff)) << shift;
		if (!(byte & 0x80) || shift == 14) {
			break;
		}
	}
	return len;
}

/* What a stream of Tight has next, n bytes once it is plain. */
static void take_plain(const uint8_t **at, int stream, uint8_t *to, size_t n)
{
	if (n < 12) {
		memcpy(to, *at, n);
		*at += n;
		return;
	}
	size_t len = take_length(at);
	z_stream *z = &streams[stream];
	z->next_in = (uint8_t *)(uintptr_t)*at;
	z->avail_in = (uInt)len;
	z->next_out = to;
	z->avail_out = (uInt)n;
	cr_assert_eq(inflate(z, Z_SYNC_FLUSH), Z_OK);
	cr_assert_eq(z->avail_out, 0);
	*at += len;
}

static uint32_t take_colour(const uint8_t **at)
{
	uint32_t colour = (uint32_t)(*at)[0] << 16 | (uint32_t)(*at)[1] << 8 | (*at)[2];
	*at += 3;
	return colour;
}

static void take_palette(const uint8_t **at, int stream, int width, int height, uint32_t *to)
{
	static uint8_t plain[SIDE * SIDE];
	uint32_t colours[256];
	cr_assert_eq(*(*at)++, 1, "the palette's filter");
	int n = *(*at)++ + 1;
	for (int i = 0; i < n; i++) {
		colours[i] = take_colour(at);
	}
	size_t row = n == 2 ? (size_t)(width + 7) / 8 : (size_t)width;
	take_plain(at, stream, plain, row * (size_t)height);
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			const uint8_t *from = plain + (size_t)y * row;
			int number = n == 2 ? from[x / 8] >> (7 - x % 8) & 1 : from[x];
			cr_assert_lt(number, n);
			to[y * width + x] = colours[number];
		}
	}
}

static void take_jpeg(const uint8_t **at, int width, int height, uint32_t *to)
{
	size_t len = take_length(at);
	tjhandle jpeg = tjInitDecompress();
	cr_assert_eq(tjDecompress2(
			     jpeg, *at, len, (uint8_t *)to, width, width * 4, height, TJPF_BGRX, 0),
		0);
	tjDestroy(jpeg);
	*at += len;
}

/* Returns the byte of control. */
static unsigned decode(const struct buf *bytes, int width, int height, uint32_t *to)
{
	const uint8_t *at = bytes->data;
	unsigned control = *at++;
	if (control == 0x80) {
		uint32_t colour = take_colour(&at);
		for (int i = 0; i < width * height; i++) {
			to[i] = colour;
		}
	} else if (control == 0x90) {
		take_jpeg(&at, width, height, to);
	} else if (control & 0x40) {
		take_palette(&at, control >> 4 & 3, width, height, to);
	} else {
		static uint8_t plain[SIDE * SIDE * 3];
		take_plain(&at, control >> 4 & 3, plain, (size_t)(width * height) * 3);
		const uint8_t *from = plain;
		for (int i = 0; i < width * height; i++) {
			to[i] = take_colour(&from);
		}
	}
	cr_assert_eq(at, bytes->data + bytes->len, "all of it is used");
	return control;
}

static uint32_t pixels[SIDE * SIDE], seen[SIDE * SIDE];

static void paint(int colours)
{
	for (int i = 0; i < SIDE * SIDE; i++) {
		uint32_t n = (uint32_t)(i * 7 / 5 % colours);
		pixels[i] = 0xaa000000u | n * 40503u % 0x1000000u;
	}
}

static unsigned go_round(int width, int height, int quality)
{
	struct rfb_how how = { rfb_format_own, true, quality };
	struct image image = { (uint8_t *)pixels, { width, height }, SIDE * 4 };
	auto_buf struct buf out = { 0 };
	rfb_encode(encoder, &how, &image, &out);
	return decode(&out, width, height, seen);
}

static void expect_same(int width, int height, int tolerance)
{
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			uint32_t a = pixels[y * SIDE + x], b = seen[y * width + x];
			for (int shift = 0; shift < 24; shift += 8) {
				int apart = abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
				cr_assert_leq(apart, tolerance, "at %d,%d: %x, %x", x, y, a, b);
			}
		}
	}
}

Test(rfb_encode, few_colours_stay_what_they_are)
{
	static const int colours[] = { 1, 2, 3, 16, 255, 256 };
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++) {
			paint(colours[i]);
			unsigned control = go_round(SIDE, SIDE, 0);
			cr_expect_eq(control, colours[i] == 1   ? 0x80
					      : colours[i] == 2 ? 0x50
								: 0x60);
			expect_same(SIDE, SIDE, 0);
		}
	}
}

Test(rfb_encode, any_size_fits)
{
	static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 1, 70 }, { 9, 1 }, { 8, 1 },
		{ 17, 3 }, { 70, 1 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int colours = 1; colours < 2000; colours = colours * 3 + 1) {
			paint(colours);
			go_round(sizes[i][0], sizes[i][1], RFB_LOSSLESS);
			expect_same(sizes[i][0], sizes[i][1], 0);
		}
	}
}

Test(rfb_encode, many_colours_lose_only_where_that_is_allowed)
{
	for (int y = 0; y < SIDE; y++) {
		for (int x = 0; x < SIDE; x++) {
			pixels[y * SIDE + x] =
				(uint32_t)(x * 3) << 16 | (uint32_t)(y * 3) << 8 | 77;
		}
	}
	cr_expect_eq(go_round(SIDE, SIDE, RFB_LOSSLESS), 0);
	expect_same(SIDE, SIDE, 0);
	cr_expect_eq(go_round(SIDE, SIDE, 9), 0x90);
	expect_same(SIDE, SIDE, 12);
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
	rfb_encode_raw(&format, &image, &out);
	cr_expect_eq(out.len, 4);
	cr_expect_eq(memcmp(out.data, "\xfc\x00\x00\x1f", 4), 0);
	out.len = 0;
	/* 32 bits, little endian, blue first: noVNC's */
	cr_assert(read_format("\40\30\0\1\0\377\0\377\0\377\0\10\20\0\0\0", &format));
	struct rfb_how how = { format, true, 5 };
	cr_expect(rfb_is_tight(&how));
	rfb_encode_raw(&format, &image, &out);
	cr_expect_eq(memcmp(out.data, "\xff\x80\x00\x00\x00\x00\xff\x00", 8), 0);
	out.len = 0;
	/* 8 bits, 3-3-2 */
	cr_assert(read_format("\10\10\0\1\0\7\0\7\0\3\5\2\0\0\0\0", &format));
	how.format = format;
	cr_expect_not(rfb_is_tight(&how));
	rfb_encode(encoder, &how, &image, &out);
	cr_expect_eq(out.len, 2);
	cr_expect_eq(out.data[0], 7 << 5 | 4 << 2);
	cr_expect_eq(out.data[1], 3);
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

#ifndef TESTS_HELPERS_TIGHT_H
#define TESTS_HELPERS_TIGHT_H

/*
 * A decoder of the encoding Tight: its four zlib streams, which a rectangle may reset, palettes,
 * fills and JPEG.  Pixels come out as 0xRRGGBB.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <turbojpeg.h>
#include <zlib.h>

#define TIGHT_STREAMS 4
#define TIGHT_SIDE_MAX 2048 /* pixels; RFB's limit of a width */

struct tight {
	z_stream streams[TIGHT_STREAMS];
	unsigned control; /* of the last rectangle, without resets */
	int resets;
};

static inline void tight_init(struct tight *t)
{
	*t = (struct tight){ 0 };
	for (int i = 0; i < TIGHT_STREAMS; i++) {
		cr_assert_eq(inflateInit(&t->streams[i]), Z_OK);
	}
}

static inline void tight_done(struct tight *t)
{
	for (int i = 0; i < TIGHT_STREAMS; i++) {
		inflateEnd(&t->streams[i]);
	}
}

/* What is left to read; `lacks`: it was not all there. */
struct tight_bytes {
	const uint8_t *at;
	size_t left;
	bool lacks;
};

static inline const uint8_t *tight_bytes(struct tight_bytes *in, size_t n)
{
	static const uint8_t none[1024];
	if (in->lacks || in->left < n) {
		in->lacks = true;
		return n <= sizeof(none) ? none : NULL;
	}
	in->at += n;
	in->left -= n;
	return in->at - n;
}

static inline size_t tight_length(struct tight_bytes *in)
{
	size_t len = 0;
	for (int shift = 0; shift < 21; shift += 7) {
		uint8_t byte = *tight_bytes(in, 1);
		len |= (size_t)(byte & (shift < 14 ? 0x7f : 0xff)) << shift;
		if (!(byte & 0x80)) {
			break;
		}
	}
	return len;
}

static inline uint32_t tight_color(const uint8_t *rgb)
{
	return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

/* n bytes, once they are plain, to be freed; NULL: they are not all there. */
static inline uint8_t *tight_plain(
	struct tight *t, struct tight_bytes *in, unsigned control, size_t n)
{
	z_stream *z = &t->streams[control >> 4 & 3];
	size_t len = n < 12 ? n : tight_length(in);
	const uint8_t *packed = tight_bytes(in, len);
	if (in->lacks) {
		return NULL;
	}
	for (int i = 0; i < TIGHT_STREAMS; i++) {
		if (control >> i & 1) {
			inflateReset(&t->streams[i]);
			t->resets++;
		}
	}
	uint8_t *plain = malloc(n);
	if (n < 12) {
		memcpy(plain, packed, n);
		return plain;
	}
	z->next_in = (uint8_t *)(uintptr_t)packed;
	z->avail_in = (uInt)len;
	z->next_out = plain;
	z->avail_out = (uInt)n;
	cr_assert_eq(inflate(z, Z_SYNC_FLUSH), Z_OK);
	cr_assert_eq(z->avail_out, 0);
	cr_assert_eq(z->avail_in, 0);
	return plain;
}

static inline void tight_palette(struct tight *t, struct tight_bytes *in, unsigned control,
	int width, int height, uint32_t *to)
{
	unsigned filter = *tight_bytes(in, 1);
	int n = *tight_bytes(in, 1) + 1;
	const uint8_t *colors = tight_bytes(in, (size_t)n * 3);
	size_t row = n == 2 ? (size_t)(width + 7) / 8 : (size_t)width;
	uint8_t *plain = tight_plain(t, in, control, row * (size_t)height);
	if (!plain) {
		return;
	}
	cr_assert_eq(filter, 1, "the palette's filter");
	for (int i = 0; i < width * height; i++) {
		int x = i % width;
		const uint8_t *from = plain + (size_t)(i / width) * row;
		int index = n == 2 ? from[x / 8] >> (7 - x % 8) & 1 : from[x];
		cr_assert_lt(index, n);
		to[i] = tight_color(colors + (ptrdiff_t)index * 3);
	}
	free(plain);
}

static inline void tight_pixels(struct tight *t, struct tight_bytes *in, unsigned control,
	int width, int height, uint32_t *to)
{
	uint8_t *plain = tight_plain(t, in, control, (size_t)width * (size_t)height * 3);
	for (int i = 0; plain && i < width * height; i++) {
		to[i] = tight_color(plain + (ptrdiff_t)i * 3);
	}
	free(plain);
}

static inline void tight_fill(struct tight_bytes *in, int n, uint32_t *to)
{
	uint32_t color = tight_color(tight_bytes(in, 3));
	for (int i = 0; i < n; i++) {
		to[i] = color;
	}
}

static inline void tight_jpeg(struct tight_bytes *in, int width, int height, uint32_t *to)
{
	size_t len = tight_length(in);
	const uint8_t *bytes = tight_bytes(in, len);
	if (in->lacks) {
		return;
	}
	tjhandle jpeg = tjInitDecompress();
	cr_assert_eq(tjDecompress2(jpeg, bytes, len, (uint8_t *)to, width, width * 4, height,
			     TJPF_BGRX, 0),
		0);
	tjDestroy(jpeg);
}

/* Reads one rectangle behind its head.  Returns how many bytes it has; 0: not all are there, and
 * nothing happened. */
static inline size_t tight_take(
	struct tight *t, const uint8_t *bytes, size_t len, int width, int height, uint32_t *to)
{
	struct tight_bytes in = { bytes, len, false };
	unsigned control = *tight_bytes(&in, 1);
	cr_assert_leq(width, TIGHT_SIDE_MAX);
	if (control >> 4 == 8) {
		tight_fill(&in, width * height, to);
	} else if (control >> 4 == 9) {
		tight_jpeg(&in, width, height, to);
	} else if (control & 0x40) {
		tight_palette(t, &in, control, width, height, to);
	} else {
		cr_assert_lt(control, 0x80, "control %x", control);
		tight_pixels(t, &in, control, width, height, to);
	}
	t->control = in.lacks ? t->control : control & 0xf0;
	return in.lacks ? 0 : len - in.left;
}

#endif

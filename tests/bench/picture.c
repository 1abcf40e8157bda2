/* Looks into a screenshot, to know that it shows what it should. */
#include "tests/bench/picture.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <string.h>
#include <turbojpeg.h>

#define COLOUR_SLACK 12 /* what JPEG may change */
#define SIDE_MAX 8192
#define GRID 8 /* every so manieth pixel is compared, both ways */
#define CLOCK_WIDTH 120
#define CLOCK_HEIGHT 32

void picture_done(struct picture *p)
{
	free(take_ptr(&p->rgb));
}

bool picture_decode(const void *jpeg, size_t len, struct picture *ret)
{
	tjhandle handle = must(tjInitDecompress());
	auto_picture struct picture p = { 0 };
	int chroma, space;
	bool ok =
		tjDecompressHeader3(handle, jpeg, len, &p.width, &p.height, &chroma, &space) == 0 &&
		p.width <= SIDE_MAX && p.height <= SIDE_MAX;
	if (ok) {
		p.rgb = must(malloc((size_t)p.width * p.height * 3));
		ok = tjDecompress2(handle, jpeg, len, p.rgb, p.width, 0, p.height, TJPF_RGB, 0) ==
		     0;
	}
	tjDestroy(handle);
	if (ok) {
		*ret = p;
		p.rgb = NULL;
	}
	return ok;
}

bool picture_decode64(const char *base64, size_t len, struct picture *ret)
{
	auto_free char *text = must(strndup(base64, len));
	size_t n = 0;
	auto_free unsigned char *jpeg = base64_decode(text, &n);
	return jpeg && picture_decode(jpeg, n, ret);
}

static const unsigned char *pixel(const struct picture *p, int x, int y)
{
	return p->rgb + ((size_t)y * p->width + x) * 3;
}

static bool near_pixel(const unsigned char *a, const unsigned char *b)
{
	for (int i = 0; i < 3; i++) {
		int off = (int)a[i] - (int)b[i];
		if (off < -COLOUR_SLACK || off > COLOUR_SLACK) {
			return false;
		}
	}
	return true;
}

bool picture_is(const struct picture *p, int x, int y, unsigned colour)
{
	const unsigned char rgb[3] = { colour >> 16 & 255, colour >> 8 & 255, colour & 255 };
	return p->rgb && x < p->width && y < p->height && near_pixel(pixel(p, x, y), rgb);
}

bool picture_has(const char *base64, size_t len, int x, int y, unsigned colour)
{
	auto_picture struct picture p = { 0 };
	return picture_decode64(base64, len, &p) && picture_is(&p, x, y, colour);
}

static bool comparable(const struct picture *a, const struct picture *b)
{
	return a->rgb && b->rgb && a->width == b->width && a->height == b->height;
}

bool picture_alike(const struct picture *a, const struct picture *b)
{
	size_t n = 0, other = 0;
	for (int y = 0; comparable(a, b) && y < a->height; y += GRID) {
		for (int x = 0; x < a->width; x += GRID) {
			bool clock = x >= a->width - CLOCK_WIDTH && y >= a->height - CLOCK_HEIGHT;
			n += !clock;
			other += !clock && !near_pixel(pixel(a, x, y), pixel(b, x, y));
		}
	}
	return n && other * 500 < n;
}

bool picture_differs(const struct picture *a, const struct picture *b, int x, int y, int side)
{
	if (!comparable(a, b)) {
		return false;
	}
	for (int j = y; j < y + side && j < a->height; j++) {
		for (int i = x; i < x + side && i < a->width; i++) {
			if (!near_pixel(pixel(a, i, j), pixel(b, i, j))) {
				return true;
			}
		}
	}
	return false;
}

/* Looks into a screenshot, to know that it shows what it should. */
#include "tests/bench/picture.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <string.h>
#include <turbojpeg.h>

#define COLOUR_SLACK 12 /* what JPEG may change */
#define SIDE_MAX 8192

static bool near_colour(const unsigned char *rgb, unsigned colour)
{
	for (int i = 0; i < 3; i++) {
		int off = (int)rgb[i] - (int)(colour >> (16 - 8 * i) & 255);
		if (off < -COLOUR_SLACK || off > COLOUR_SLACK) {
			return false;
		}
	}
	return true;
}

bool picture_has(const char *base64, size_t len, int x, int y, unsigned colour)
{
	auto_free char *text = must(strndup(base64, len));
	size_t n = 0;
	auto_free unsigned char *jpeg = base64_decode(text, &n);
	tjhandle handle = must(tjInitDecompress());
	int width = 0, height = 0, chroma, space;
	bool has = false;
	if (jpeg && tjDecompressHeader3(handle, jpeg, n, &width, &height, &chroma, &space) == 0 &&
		x < width && y < height && width <= SIDE_MAX && height <= SIDE_MAX) {
		auto_free unsigned char *pixels = must(malloc((size_t)width * height * 3));
		has = tjDecompress2(handle, jpeg, n, pixels, width, 0, height, TJPF_RGB, 0) == 0 &&
		      near_colour(pixels + ((size_t)y * width + x) * 3, colour);
	}
	tjDestroy(handle);
	return has;
}

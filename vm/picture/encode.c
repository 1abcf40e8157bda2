/*
 * JPEG with libjpeg-turbo without chroma subsampling (which blurs small text), PNG with libspng at
 * a low level and without filters: for desktops, with flat colours and text, those take twice the
 * time and save nothing.
 */
#include "vm/picture/encode.h"

#include "base/cleanup.h"

#include <spng.h>
#include <turbojpeg.h>

struct encoder {
	tjhandle jpeg;
	unsigned char *jpeg_bytes;
	unsigned long jpeg_size;
	uint8_t *rgb; /* the format for PNG */
	size_t rgb_size;
	void *png_bytes;
};

struct encoder *encoder_new(struct err *err)
{
	tjhandle jpeg = tjInitCompress();
	if (!jpeg) {
		err_set(err, ERR_HOST, "libjpeg-turbo: %s", tjGetErrorStr2(NULL));
		return NULL;
	}
	struct encoder *e = must(calloc(1, sizeof(*e)));
	e->jpeg = jpeg;
	return e;
}

void encoder_free(struct encoder *e)
{
	if (e) {
		tjDestroy(e->jpeg);
		tjFree(e->jpeg_bytes);
		free(e->rgb);
		free(e->png_bytes);
		free(e);
	}
}

/* Allocates for the worst case, so that the library never reallocates. */
static bool have_jpeg_room(struct encoder *e, struct size size)
{
	unsigned long need = tjBufSize(size.width, size.height, TJSAMP_444);
	if (need == (unsigned long)-1) {
		return false;
	}
	if (e->jpeg_size < need) {
		tjFree(e->jpeg_bytes);
		e->jpeg_bytes = must(tjAlloc((int)need));
		e->jpeg_size = need;
	}
	return true;
}

bool encoder_jpeg(struct encoder *e, const struct image *image, int quality, struct encoded *ret,
	struct err *err)
{
	unsigned long len = e->jpeg_size;
	if (!have_jpeg_room(e, image->size) ||
		tjCompress2(e->jpeg, image->pixels, image->size.width, (int)image->stride,
			image->size.height, TJPF_BGRX, &e->jpeg_bytes, &len, TJSAMP_444, quality,
			TJFLAG_NOREALLOC) < 0) {
		return err_set(err, ERR_HOST, "JPEG: %s", tjGetErrorStr2(e->jpeg));
	}
	*ret = (struct encoded){ e->jpeg_bytes, len };
	return true;
}

static void to_rgb(struct encoder *e, const struct image *image)
{
	size_t width = (size_t)image->size.width, height = (size_t)image->size.height;
	if (e->rgb_size < width * height * 3) {
		e->rgb_size = width * height * 3;
		free(e->rgb);
		e->rgb = must(malloc(e->rgb_size));
	}
	uint8_t *out = e->rgb;
	for (size_t y = 0; y < height; y++) {
		const uint8_t *in = image->pixels + y * image->stride;
		for (size_t x = 0; x < width; x++, in += 4, out += 3) {
			out[0] = in[2];
			out[1] = in[1];
			out[2] = in[0];
		}
	}
}

static int write_png(struct encoder *e, spng_ctx *png, struct size size, size_t *ret_len)
{
	struct spng_ihdr header = {
		.width = (uint32_t)size.width,
		.height = (uint32_t)size.height,
		.bit_depth = 8,
		.color_type = SPNG_COLOR_TYPE_TRUECOLOR,
	};
	spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
	spng_set_option(png, SPNG_IMG_COMPRESSION_LEVEL, 2);
	spng_set_option(png, SPNG_FILTER_CHOICE, SPNG_FILTER_CHOICE_NONE);
	spng_set_ihdr(png, &header);
	size_t len = (size_t)size.width * (size_t)size.height * 3;
	int r = spng_encode_image(png, e->rgb, len, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
	if (r == 0) {
		free(e->png_bytes);
		e->png_bytes = spng_get_png_buffer(png, ret_len, &r);
	}
	return r;
}

bool encoder_png(struct encoder *e, const struct image *image, struct encoded *ret, struct err *err)
{
	spng_ctx *png = must(spng_ctx_new(SPNG_CTX_ENCODER));
	size_t len = 0;
	to_rgb(e, image);
	int r = write_png(e, png, image->size, &len);
	spng_ctx_free(png);
	if (r != 0) {
		return err_set(err, ERR_HOST, "PNG: %s", spng_strerror(r));
	}
	*ret = (struct encoded){ e->png_bytes, len };
	return true;
}

/*
 * JPEG with libjpeg-turbo without chroma subsampling (which blurs small text), PNG with libspng at
 * a low level and without filters: for desktops, with flat colours and text, those take twice the
 * time and save nothing.  Huffman tables made for the image save a third of a desktop's JPEG.
 */
#include "vm/picture/encode.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <spng.h>
#include <stdio.h>

#include <jpeglib.h>

struct encoder {
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
	unsigned char *jpeg_bytes;
	unsigned long jpeg_len;
	uint8_t *rgb; /* the format for PNG */
	size_t rgb_size;
	void *png_bytes;
};

static void on_error(j_common_ptr jpeg)
{
	longjmp(((struct encoder *)jpeg->client_data)->failed, 1);
}

static void on_message(j_common_ptr jpeg)
{
	(void)jpeg; /* the library would write it to stderr */
}

static bool refuse(struct encoder *e, struct err *err)
{
	char text[JMSG_LENGTH_MAX];
	e->errors.format_message((j_common_ptr)&e->jpeg, text);
	return err_set(err, ERR_HOST, "JPEG: %s", text);
}

struct encoder *encoder_new(struct err *err)
{
	struct encoder *e = must(calloc(1, sizeof(*e)));
	e->jpeg.err = jpeg_std_error(&e->errors);
	e->jpeg.client_data = e;
	e->errors.error_exit = on_error;
	e->errors.output_message = on_message;
	if (setjmp(e->failed)) {
		(void)!refuse(e, err);
		encoder_free(e);
		return NULL;
	}
	jpeg_create_compress(&e->jpeg);
	return e;
}

void encoder_free(struct encoder *e)
{
	if (e) {
		jpeg_destroy_compress(&e->jpeg);
		free(e->jpeg_bytes);
		free(e->rgb);
		free(e->png_bytes);
		free(e);
	}
}

static void set_up(j_compress_ptr jpeg, const struct image *image, int quality, bool smaller)
{
	jpeg->image_width = (JDIMENSION)image->size.width;
	jpeg->image_height = (JDIMENSION)image->size.height;
	jpeg->input_components = 4;
	jpeg->in_color_space = JCS_EXT_BGRX;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, quality, TRUE);
	jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
	jpeg->optimize_coding = smaller;
}

static void write_rows(j_compress_ptr jpeg, const struct image *image)
{
	jpeg_start_compress(jpeg, TRUE);
	while (jpeg->next_scanline < jpeg->image_height) {
		/* The library only reads it. */
		JSAMPROW row = (JSAMPROW)image->pixels + jpeg->next_scanline * image->stride;
		jpeg_write_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_compress(jpeg);
}

bool encoder_jpeg(struct encoder *e, const struct image *image, int quality, bool smaller,
	struct encoded *ret, struct err *err)
{
	free(take_ptr(&e->jpeg_bytes));
	if (setjmp(e->failed)) {
		jpeg_abort_compress(&e->jpeg);
		e->jpeg_bytes = NULL; /* the library may have grown it */
		return refuse(e, err);
	}
	jpeg_mem_dest(&e->jpeg, &e->jpeg_bytes, &e->jpeg_len);
	set_up(&e->jpeg, image, quality, smaller);
	write_rows(&e->jpeg, image);
	*ret = (struct encoded){ e->jpeg_bytes, e->jpeg_len };
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

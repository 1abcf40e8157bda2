#include "vm/rfb/format.h"

#include "base/bytes.h"

#include <string.h>

const struct rfb_format rfb_format_own = { 32, 24, false, { 255, 255, 255 }, { 16, 8, 0 } };

bool rfb_format_read(struct rfb_format *ret, const uint8_t bytes[16], struct err *err)
{
	struct rfb_format format = { .bits = bytes[0], .depth = bytes[1], .big_endian = bytes[2] };
	if (format.bits != 8 && format.bits != 16 && format.bits != 32) {
		return err_set(err, ERR_ARGUMENT, "a pixel must have 8, 16 or 32 bits, not %u",
			format.bits);
	}
	if (!bytes[3]) {
		return err_set(err, ERR_ARGUMENT, "color maps are not supported, only true color");
	}
	for (int i = 0; i < 3; i++) {
		format.max[i] = bytes_get_u16(bytes + 4 + 2 * i);
		format.shift[i] = bytes[10 + i];
		if (format.shift[i] >= format.bits) {
			return err_set(err, ERR_ARGUMENT,
				"the shift of a color must be below %u, not %u", format.bits,
				format.shift[i]);
		}
	}
	*ret = format;
	return true;
}

void rfb_format_write(const struct rfb_format *format, uint8_t ret_bytes[16])
{
	memset(ret_bytes, 0, 16);
	ret_bytes[0] = format->bits;
	ret_bytes[1] = format->depth;
	ret_bytes[2] = format->big_endian;
	ret_bytes[3] = 1;
	for (int i = 0; i < 3; i++) {
		bytes_put_u16(ret_bytes + 4 + 2 * i, format->max[i]);
		ret_bytes[10 + i] = format->shift[i];
	}
}

bool rfb_format_equal(const struct rfb_format *a, const struct rfb_format *b)
{
	return a->bits == b->bits && a->depth == b->depth && a->big_endian == b->big_endian &&
	       memcmp(a->max, b->max, sizeof(a->max)) == 0 &&
	       memcmp(a->shift, b->shift, sizeof(a->shift)) == 0;
}

bool rfb_format_has_tpixel(const struct rfb_format *f)
{
	return f->bits == 32 && f->depth == 24 && f->max[0] == 255 && f->max[1] == 255 &&
	       f->max[2] == 255;
}

static void put_pixel(const struct rfb_format *f, const uint8_t *bgrx, uint8_t *to)
{
	uint32_t value = 0;
	for (int i = 0; i < 3; i++) {
		uint32_t part = ((uint32_t)bgrx[2 - i] * f->max[i] + 127) / 255;
		value |= part << f->shift[i];
	}
	int bytes = f->bits / 8;
	for (int i = 0; i < bytes; i++) {
		to[i] = (uint8_t)(value >> 8 * (f->big_endian ? bytes - 1 - i : i));
	}
}

void rfb_format_put(const struct rfb_format *format, const struct image *image, struct buf *out)
{
	size_t pixel = format->bits / 8, row = (size_t)image->size.width * pixel;
	bool own = rfb_format_equal(format, &rfb_format_own);
	buf_reserve(out, row * (size_t)image->size.height);
	for (int y = 0; y < image->size.height; y++) {
		const uint8_t *in = image->pixels + (size_t)y * image->stride;
		if (own) {
			buf_append(out, in, row);
			continue;
		}
		for (int x = 0; x < image->size.width; x++) {
			uint8_t bytes[4];
			put_pixel(format, in + (size_t)x * 4, bytes);
			buf_append(out, bytes, pixel);
		}
	}
}

#ifndef VM_RFB_FORMAT_H
#define VM_RFB_FORMAT_H

#include "base/buf.h"
#include "vm/picture/image.h"

/* Pixel formats of RFB (RFC 6143, 7.4). */

struct rfb_format {
	uint8_t bits; /* 8, 16 or 32 */
	uint8_t depth;
	bool big_endian;
	uint16_t max[3];  /* red, green, blue */
	uint8_t shift[3]; /* below bits */
};

extern const struct rfb_format rfb_format_own; /* that of struct image */

/* Reads the 16 bytes of a PIXEL_FORMAT.  ERR_ARGUMENT: a colour map, or values out of range. */
bool rfb_format_read(struct rfb_format *ret, const uint8_t bytes[16], struct err *err) NODISCARD;
void rfb_format_write(const struct rfb_format *format, uint8_t ret_bytes[16]);
bool rfb_format_equal(const struct rfb_format *a, const struct rfb_format *b);
/* Whether Tight sends a pixel in 3 bytes (TPIXEL); Vitrine uses Tight for such formats only. */
bool rfb_format_has_tpixel(const struct rfb_format *format);
/* Appends the pixels in this format, row by row without padding (the encoding Raw). */
void rfb_format_put(const struct rfb_format *format, const struct image *image, struct buf *out);

#endif

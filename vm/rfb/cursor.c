#include "vm/rfb/cursor.h"

static void put_mask(const struct cursor_image *cursor, struct buf *out)
{
	for (int y = 0; y < cursor->size.height; y++) {
		for (int x = 0; x < cursor->size.width; x += 8) {
			uint8_t bits = 0;
			for (int i = 0; i < 8 && x + i < cursor->size.width; i++) {
				uint32_t argb = cursor->pixels[y * cursor->size.width + x + i];
				bits |= (uint8_t)((argb >> 31) << (7 - i));
			}
			buf_append(out, &bits, 1);
		}
	}
}

/* red, green, blue, alpha; plain: the colours are not multiplied with alpha. */
static void put_rgba(const struct cursor_image *cursor, bool plain, struct buf *out)
{
	size_t n = (size_t)cursor->size.width * (size_t)cursor->size.height;
	for (size_t i = 0; i < n; i++) {
		uint32_t argb = cursor->pixels[i], alpha = argb >> 24;
		uint8_t rgba[4] = { (uint8_t)(argb >> 16), (uint8_t)(argb >> 8), (uint8_t)argb,
			(uint8_t)alpha };
		for (int c = 0; c < 3 && plain && alpha > 0; c++) {
			uint32_t part = rgba[c] * 255u / alpha;
			rgba[c] = (uint8_t)(part < 255 ? part : 255);
		}
		buf_append(out, rgba, sizeof(rgba));
	}
}

void cursor_put(const struct cursor_image *cursor, enum rfb_cursor_encoding encoding,
	const struct rfb_format *format, struct buf *out)
{
	static const struct cursor_image none = { 0 };
	static const uint8_t vmware_alpha[2] = { 1, 0 }, raw[4] = { 0 };
	cursor = cursor ? cursor : &none;
	rfb_put_head(out,
		(struct rect){
			cursor->hot.x, cursor->hot.y, cursor->size.width, cursor->size.height },
		encoding);
	if (encoding == CURSOR_VMWARE) {
		buf_append(out, vmware_alpha, sizeof(vmware_alpha));
		put_rgba(cursor, true, out);
	} else if (encoding == CURSOR_ALPHA) {
		buf_append(out, raw, sizeof(raw));
		put_rgba(cursor, false, out);
	} else {
		struct image image = { (uint8_t *)(uintptr_t)cursor->pixels, cursor->size,
			(size_t)cursor->size.width * 4 };
		rfb_format_put(format, &image, out);
		put_mask(cursor, out);
	}
}

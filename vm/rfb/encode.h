#ifndef VM_RFB_ENCODE_H
#define VM_RFB_ENCODE_H

#include "vm/rfb/format.h"

/*
 * Pixels into rectangles of RFB: Raw, or Tight (rfbproto.rst, "Tight Encoding").  What a rectangle
 * needs is in itself: each one resets the viewer's zlib stream.  So the same bytes are good for all
 * viewers, whenever they joined.
 */

enum { RFB_RAW = 0, RFB_COPY_RECT = 1, RFB_TIGHT = 7, RFB_VP9 = 0x56503930 };

#define RFB_LOSSLESS (-1)

/* What viewers have asked for. */
struct rfb_how {
	struct rfb_format format;
	bool tight;
	int quality; /* 0 to 9: photographs become JPEG; or RFB_LOSSLESS */
};

/* Largest area for one call, in pixels. */
#define RFB_AREA_WIDTH_MAX 2048
#define RFB_AREA_HEIGHT_MAX 256

struct rfb_encoder; /* scratch memory, for any viewer */

struct rfb_encoder *rfb_encoder_new(struct err *err) NODISCARD;
void rfb_encoder_free(struct rfb_encoder *e); /* NULL-safe */

/* Appends the head of a rectangle (x, y, width, height, encoding). */
void rfb_put_head(struct buf *out, struct rect area, int32_t encoding);
/*
 * Appends image, whose corner is at `at` of the viewer's picture, as rectangles with their heads.
 * Returns how many.
 */
size_t rfb_encode(struct rfb_encoder *e, const struct rfb_how *how, const struct image *image,
	struct point at, struct buf *out);
/* Which rectangles of the last call are JPEG; *ret is good until the next.  Returns how many. */
size_t rfb_encoder_lossy(const struct rfb_encoder *e, const struct rect **ret);

#endif

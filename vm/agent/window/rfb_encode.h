#ifndef VM_AGENT_WINDOW_RFB_ENCODE_H
#define VM_AGENT_WINDOW_RFB_ENCODE_H

#include "base/buf.h"
#include "vm/picture/image.h"

/* Encodes pixels for RFB (RFC 6143, and Tight). */

enum { RFB_RAW = 0, RFB_TIGHT = 7 };

/* A viewer's pixel format; always true colour. */
struct rfb_format {
	uint8_t bits; /* 8, 16 or 32 */
	bool big_endian;
	uint16_t max[3];  /* red, green, blue */
	uint8_t shift[3]; /* at most 31 */
};

extern const struct rfb_format rfb_format_own; /* that of struct image */

/* Parses the 16 bytes of a message; ERR_ARGUMENT if the format is not supported. */
bool rfb_format_read(struct rfb_format *ret, const uint8_t bytes[16], struct err *err) NODISCARD;
void rfb_format_write(const struct rfb_format *format, uint8_t ret_bytes[16]);

/* The encoder of one viewer; keeps the state of its compressors. */
struct rfb_encoder;

struct rfb_encoder *rfb_encoder_new(struct err *err) NODISCARD;
void rfb_encoder_free(struct rfb_encoder *e); /* NULL-safe */

#define RFB_LOSSLESS (-1)

struct rfb_how {
	struct rfb_format format;
	bool tight;  /* supported by the viewer */
	int quality; /* 0 to 9: quality of photographs; or RFB_LOSSLESS */
};

/* Whether Tight is used, which not every format supports. */
bool rfb_is_tight(const struct rfb_how *how);
/* Appends the data of a rectangle after its header.  At most 2048 pixels wide. */
void rfb_encode(struct rfb_encoder *e, const struct rfb_how *how, const struct image *image,
	struct buf *out);
/* Appends uncompressed pixels. */
void rfb_encode_raw(const struct rfb_format *format, const struct image *image, struct buf *out);

#endif

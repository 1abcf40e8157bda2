#ifndef VM_PICTURE_ENCODE_H
#define VM_PICTURE_ENCODE_H

#include "base/err.h"
#include "vm/picture/image.h"

/* Encodes pixels as JPEG or PNG, reusing one compressor and one buffer. */

struct encoder;

struct encoded {
	const uint8_t *bytes; /* valid until the next encoding */
	size_t len;
};

struct encoder *encoder_new(struct err *err) NODISCARD;
void encoder_free(struct encoder *e); /* NULL-safe */

bool encoder_jpeg(struct encoder *e, const struct image *image, int quality, struct encoded *ret,
	struct err *err) NODISCARD;
bool encoder_png(struct encoder *e, const struct image *image, struct encoded *ret,
	struct err *err) NODISCARD;

#endif

#ifndef VM_PICTURE_PIXELS_H
#define VM_PICTURE_PIXELS_H

#include "base/err.h"
#include "vm/picture/image.h"

/* Pixels on their way to the host: the rows without gaps, as one LZ4 block (lz4_Block_format.md).
 */

#define PIXELS_PACKED_MAX (3u << 20) /* bytes; more does not go into a message */

struct pixels_buf {
	char *bytes, *rows; /* owned */
	size_t room, rows_room;
};
void pixels_buf_done(struct pixels_buf *buf);

/* Into buf; returns how many bytes, or 0: they are too many. */
size_t pixels_pack(struct pixels_buf *buf, const struct image *image);
/* ret_image's pixels are the caller's to free.  Whatever the bytes are, no more than size says is
 * written; ERR_ARGUMENT when they are not just that many pixels. */
bool pixels_unpack(const void *bytes, size_t len, struct size size, struct image *ret_image,
	struct err *err) NODISCARD;

#endif

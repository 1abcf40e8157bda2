#ifndef VM_PICTURE_PIXELS_H
#define VM_PICTURE_PIXELS_H

#include "base/err.h"
#include "vm/picture/image.h"

/* Pixels for the host: the rows without gaps, as one LZ4 block (lz4_Block_format.md). */

#define PIXELS_PACKED_MAX (3u << 20) /* in bytes; more does not fit a message */

struct pixels_buf {
	char *bytes, *rows; /* owned */
	size_t room, rows_room;
};
void pixels_buf_done(struct pixels_buf *buf);

/* Packs into buf; returns the number of bytes, or 0: too many. */
size_t pixels_pack(struct pixels_buf *buf, const struct image *image);
/* ret_image's pixels are owned by the caller, to free().  Never writes more than size implies;
 * ERR_ARGUMENT if the bytes are not exactly that many pixels. */
bool pixels_unpack(const void *bytes, size_t len, struct size size, struct image *ret_image,
	struct err *err) NODISCARD;

#endif

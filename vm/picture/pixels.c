/* liblz4's fastest mode: with an emulated CPU it takes a thirtieth of the time of JPEG. */
#include "vm/picture/pixels.h"

#include "base/cleanup.h"

#include <lz4.h>
#include <string.h>

void pixels_buf_done(struct pixels_buf *buf)
{
	free(buf->bytes);
	free(buf->rows);
	*buf = (struct pixels_buf){ 0 };
}

static char *have_room(char **bytes, size_t *room, size_t need)
{
	if (*room < need) {
		free(*bytes);
		*bytes = must(malloc(need));
		*room = need;
	}
	return *bytes;
}

/* The rows without gaps. */
static const char *rows_of(struct pixels_buf *buf, const struct image *image, size_t len)
{
	size_t row = (size_t)image->size.width * 4, height = (size_t)image->size.height;
	if (image->stride == row) {
		return (const char *)image->pixels;
	}
	char *rows = have_room(&buf->rows, &buf->rows_room, len);
	for (size_t y = 0; y < height; y++) {
		memcpy(rows + y * row, image->pixels + y * image->stride, row);
	}
	return rows;
}

size_t pixels_pack(struct pixels_buf *buf, const struct image *image)
{
	size_t len = (size_t)image->size.width * (size_t)image->size.height * 4;
	if (len > LZ4_MAX_INPUT_SIZE) {
		return 0;
	}
	const char *rows = rows_of(buf, image, len);
	char *to = have_room(&buf->bytes, &buf->room, PIXELS_PACKED_MAX);
	int n = LZ4_compress_fast(rows, to, (int)len, (int)PIXELS_PACKED_MAX, 1);
	return n > 0 ? (size_t)n : 0;
}

bool pixels_unpack(
	const void *bytes, size_t len, struct size size, struct image *ret_image, struct err *err)
{
	size_t row = (size_t)size.width * 4, need = row * (size_t)size.height;
	if (len == 0 || len > PIXELS_PACKED_MAX || need == 0 || need > LZ4_MAX_INPUT_SIZE) {
		return err_set(err, ERR_ARGUMENT, "%zu bytes cannot be %dx%d pixels", len,
			size.width, size.height);
	}
	auto_free uint8_t *pixels = must(malloc(need));
	int n = LZ4_decompress_safe(bytes, (char *)pixels, (int)len, (int)need);
	if (n < 0 || (size_t)n != need) {
		return err_set(err, ERR_ARGUMENT, "%zu bytes that are not %dx%d pixels", len,
			size.width, size.height);
	}
	*ret_image = (struct image){ take_ptr(&pixels), size, row };
	return true;
}

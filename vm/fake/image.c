/*
 * Images without an encoder: uniform grey needs so few bits that they can be written directly.  A
 * JPEG whose 8x8 blocks are all "unchanged" has two zero bits per block; a PNG of zeros is one
 * repeated deflate code. Both are complete files of exactly the requested size, so any decoder
 * accepts them.
 */

#include "vm/fake/fake.h"

#include "base/bytes.h"

#include <string.h>

/* ---- JPEG: baseline, one component ---- */

/* A Huffman table with a single code, "0", for the symbol 0. */
static void put_table(struct buf *to, uint8_t class_and_id)
{
	uint8_t table[] = { 0xff, 0xc4, 0, 20, class_and_id, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0 };
	buf_append(to, table, sizeof(table));
}

static void put_jpeg(struct buf *to, struct size size)
{
	uint8_t ones[64], zeros[256] = { 0 };
	memset(ones, 1, sizeof(ones));
	buf_append(to, "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 20);
	buf_append(to, "\xff\xdb\0\x43\0", 5); /* quantization: all 1 */
	buf_append(to, ones, sizeof(ones));
	buf_append(to, "\xff\xc0\0\x0b\x08", 5); /* frame: 8 bits */
	bytes_append_u16(to, (uint16_t)size.height);
	bytes_append_u16(to, (uint16_t)size.width);
	buf_append(to, "\1\1\x11\0", 4); /* one component, 1x1, quantization table 0 */
	put_table(to, 0x00);
	put_table(to, 0x10);
	buf_append(to, "\xff\xda\0\x08\1\1\0\0\x3f\0", 10); /* scan */
	size_t blocks = (size_t)((size.width + 7) / 8) * (size_t)((size.height + 7) / 8);
	size_t whole = blocks / 4, rest = blocks % 4;
	while (whole) {
		size_t n = whole < sizeof(zeros) ? whole : sizeof(zeros);
		buf_append(to, zeros, n);
		whole -= n;
	}
	if (rest) { /* padded with ones */
		buf_append(to, &(uint8_t){ (uint8_t)(0xff >> (2 * rest)) }, 1);
	}
	buf_append(to, "\xff\xd9", 2);
}

/* ---- PNG: 1 bit grey ---- */

static uint32_t crc(const uint8_t *bytes, size_t len)
{
	uint32_t c = ~0u;
	for (size_t i = 0; i < len; i++) {
		c ^= bytes[i];
		for (int bit = 0; bit < 8; bit++) {
			c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
		}
	}
	return ~c;
}

static void put_chunk(struct buf *to, const char *type, const struct buf *data)
{
	bytes_append_u32(to, (uint32_t)data->len);
	size_t from = to->len;
	buf_append(to, type, 4);
	buf_append(to, data->data, data->len);
	bytes_append_u32(to, crc(to->data + from, to->len - from));
}

struct bits {
	struct buf *to;
	uint32_t held;
	int count;
};

/* Deflate packs from the low bit; its codes are given with the bits already reversed. */
static void put_bits(struct bits *bits, uint32_t value, int count)
{
	bits->held |= value << bits->count;
	for (bits->count += count; bits->count >= 8; bits->count -= 8) {
		buf_append(bits->to, &(uint8_t){ (uint8_t)bits->held }, 1);
		bits->held >>= 8;
	}
}

/* n zero bytes as one block with the fixed codes: a literal 0, then "258 bytes from 1 back", then
 * literals. */
static void put_zeros(struct buf *to, size_t n)
{
	struct bits bits = { .to = to };
	uint32_t sum = (uint32_t)(n % 65521);
	buf_append(to, "\x78\x01", 2);
	put_bits(&bits, 1 | 1 << 1, 3); /* last block, fixed codes */
	put_bits(&bits, 0x0c, 8);       /* literal 0: 00110000 */
	for (n--; n >= 258; n -= 258) {
		put_bits(&bits, 0xa3, 8); /* length 258: 11000101 */
		put_bits(&bits, 0, 5);    /* distance 1 */
	}
	while (n--) {
		put_bits(&bits, 0x0c, 8);
	}
	put_bits(&bits, 0, 7);               /* end of block */
	put_bits(&bits, 0, 7);               /* to the next byte */
	bytes_append_u32(to, sum << 16 | 1); /* Adler-32 */
}

static void put_png(struct buf *to, struct size size)
{
	auto_buf struct buf header = { 0 }, data = { 0 }, nothing = { 0 };
	bytes_append_u32(&header, (uint32_t)size.width);
	bytes_append_u32(&header, (uint32_t)size.height);
	buf_append(&header, "\1\0\0\0\0", 5);
	put_zeros(&data, (size_t)size.height * (size_t)(1 + (size.width + 7) / 8));
	buf_append(to, "\x89PNG\r\n\x1a\n", 8);
	put_chunk(to, "IHDR", &header);
	put_chunk(to, "IDAT", &data);
	put_chunk(to, "IEND", &nothing);
}

void fake_image(struct buf *to, enum observe_format format, struct size size)
{
	if (format == FORMAT_PNG) {
		put_png(to, size);
	} else {
		put_jpeg(to, size);
	}
}

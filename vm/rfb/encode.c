/*
 * An area is looked at in blocks.  Blocks of few colours (text, controls) become palettes and plain
 * fills, exact; only blocks of many colours become a JPEG, as few and as large ones as possible,
 * where the viewer allows it.  zlib runs at its fastest level: beyond it, a local viewer waits
 * longer for the processor than for the line.
 */
#include "vm/rfb/encode.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "vm/picture/encode.h"
#include "vm/rfb/palette.h"

#include <string.h>
#include <zlib.h>

#define BLOCK 64   /* pixels */
#define FLAT_RUN 4 /* blocks of few colours in one rectangle */
#define BLOCKS_X (RFB_AREA_WIDTH_MAX / BLOCK)
#define BLOCKS_Y (RFB_AREA_HEIGHT_MAX / BLOCK)
#define ZLIB_MIN 12 /* fewer bytes are sent as they are */

enum { RESET = 1, CONTROL_FILL = 0x80, CONTROL_JPEG = 0x90, CONTROL_FILTER = 0x40 };
enum { FILTER_PALETTE = 1 };
enum block { DONE, FLAT, PHOTO };

struct rfb_encoder {
	z_stream zlib;
	struct encoder *jpeg;
	struct palette palette;
	struct buf plain; /* what is compressed next */
	struct buf packed;
	uint8_t blocks[BLOCKS_Y][BLOCKS_X]; /* enum block */
	struct rect lossy[BLOCKS_Y * BLOCKS_X];
	size_t n_lossy;
};

/* ---- bytes ---- */

static void put_byte(struct buf *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	buf_append(out, &byte, 1);
}

static void put_color(struct buf *out, uint32_t color)
{
	uint8_t bytes[3] = { (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color };
	buf_append(out, bytes, 3);
}

static void put_length(struct buf *out, size_t len)
{
	put_byte(out, (len & 0x7f) | (len > 0x7f ? 0x80 : 0));
	if (len > 0x7f) {
		put_byte(out, (len >> 7 & 0x7f) | (len > 0x3fff ? 0x80 : 0));
	}
	if (len > 0x3fff) {
		put_byte(out, (unsigned)(len >> 14 & 0xff));
	}
}

void rfb_put_head(struct buf *out, struct rect area, int32_t encoding)
{
	bytes_append_u16(out, (uint16_t)area.x);
	bytes_append_u16(out, (uint16_t)area.y);
	bytes_append_u16(out, (uint16_t)area.width);
	bytes_append_u16(out, (uint16_t)area.height);
	bytes_append_u32(out, (uint32_t)encoding);
}

/* ---- Tight ---- */

/* Appends e->plain, compressed. */
static void put_compressed(struct rfb_encoder *e, struct buf *out)
{
	z_stream *z = &e->zlib;
	if (e->plain.len < ZLIB_MIN) {
		buf_append(out, e->plain.data, e->plain.len);
		return;
	}
	deflateReset(z);
	z->next_in = e->plain.data;
	z->avail_in = (uInt)e->plain.len;
	e->packed.len = 0;
	do {
		buf_reserve(&e->packed, e->plain.len / 2 + 256);
		size_t room = e->packed.cap - e->packed.len - 1;
		z->next_out = e->packed.data + e->packed.len;
		z->avail_out = (uInt)room;
		deflate(z, Z_SYNC_FLUSH);
		e->packed.len += room - z->avail_out;
	} while (z->avail_out == 0);
	put_length(out, e->packed.len);
	buf_append(out, e->packed.data, e->packed.len);
}

static void put_palette(struct rfb_encoder *e, const struct image *image, struct buf *out)
{
	const struct palette *p = &e->palette;
	put_byte(out, CONTROL_FILTER | RESET);
	put_byte(out, FILTER_PALETTE);
	put_byte(out, (unsigned)p->n - 1);
	for (int i = 0; i < p->n; i++) {
		put_color(out, p->colors[i]);
	}
	if (p->n == 2) {
		palette_pack_bits(&e->plain, image->size);
	}
	put_compressed(e, out);
}

static void put_pixels(struct rfb_encoder *e, const struct image *image, struct buf *out)
{
	e->plain.len = 0;
	buf_reserve(&e->plain, (size_t)image->size.width * (size_t)image->size.height * 3);
	for (int y = 0; y < image->size.height; y++) {
		const uint8_t *in = image->pixels + (size_t)y * image->stride;
		for (int x = 0; x < image->size.width; x++, in += 4) {
			put_color(&e->plain, palette_color(in));
		}
	}
	put_byte(out, RESET);
	put_compressed(e, out);
}

static bool put_jpeg(struct rfb_encoder *e, const struct image *image, int quality, struct buf *out)
{
	struct encoded jpeg;
	struct err err;
	if (!encoder_jpeg(e->jpeg, image, 20 + 8 * quality, &jpeg, &err)) {
		return false;
	}
	put_byte(out, CONTROL_JPEG);
	put_length(out, jpeg.len);
	buf_append(out, jpeg.bytes, jpeg.len);
	return true;
}

/* Few colours in every block do not mean few in all of them. */
static void put_exact(struct rfb_encoder *e, const struct image *image, struct buf *out)
{
	if (!palette_count(&e->palette, image, &e->plain)) {
		put_pixels(e, image, out);
	} else if (e->palette.n == 1) {
		put_byte(out, CONTROL_FILL);
		put_color(out, e->palette.colors[0]);
	} else {
		put_palette(e, image, out);
	}
}

/* ---- blocks ---- */

static struct rect blocks_rect(const struct image *image, int x, int y, int wide, int high)
{
	int x1 = (x + wide) * BLOCK, y1 = (y + high) * BLOCK;
	x1 = x1 < image->size.width ? x1 : image->size.width;
	y1 = y1 < image->size.height ? y1 : image->size.height;
	return (struct rect){ x * BLOCK, y * BLOCK, x1 - x * BLOCK, y1 - y * BLOCK };
}

static struct size count_blocks(const struct image *image)
{
	return (struct size){ (image->size.width + BLOCK - 1) / BLOCK,
		(image->size.height + BLOCK - 1) / BLOCK };
}

static void classify(struct rfb_encoder *e, const struct image *image, bool lossless)
{
	struct size blocks = count_blocks(image);
	for (int y = 0; y < blocks.height; y++) {
		for (int x = 0; x < blocks.width; x++) {
			struct image block = image_part(image, blocks_rect(image, x, y, 1, 1));
			bool flat = lossless || palette_count(&e->palette, &block, &e->plain);
			e->blocks[y][x] = flat ? FLAT : PHOTO;
		}
	}
}

/* How many blocks of this kind lie side by side, up to most. */
static int run_of(const struct rfb_encoder *e, int x, int y, int end, int most)
{
	int n = 1;
	while (n < most && x + n < end && e->blocks[y][x + n] == e->blocks[y][x]) {
		n++;
	}
	return n;
}

/* How many rows have the same run, and no longer one. */
static int rows_of(const struct rfb_encoder *e, int x, int y, int wide, struct size blocks)
{
	int n = 1;
	while (y + n < blocks.height && e->blocks[y + n][x] == PHOTO &&
		run_of(e, x, y + n, blocks.width, wide) == wide) {
		n++;
	}
	return n;
}

static struct rect take_blocks(
	struct rfb_encoder *e, const struct image *image, int x, int y, bool photo)
{
	struct size blocks = count_blocks(image);
	int wide = run_of(e, x, y, blocks.width, photo ? BLOCKS_X : FLAT_RUN);
	int high = photo ? rows_of(e, x, y, wide, blocks) : 1;
	for (int i = 0; i < high; i++) {
		memset(&e->blocks[y + i][x], DONE, (size_t)wide);
	}
	return blocks_rect(image, x, y, wide, high);
}

static void put_tight(struct rfb_encoder *e, const struct image *image, int quality,
	struct rect area, bool photo, struct buf *out)
{
	rfb_put_head(out, area, RFB_TIGHT);
	if (photo && put_jpeg(e, image, quality, out)) {
		e->lossy[e->n_lossy++] = area;
	} else {
		put_exact(e, image, out);
	}
}

size_t rfb_encoder_lossy(const struct rfb_encoder *e, const struct rect **ret)
{
	*ret = e->lossy;
	return e->n_lossy;
}

size_t rfb_encode(struct rfb_encoder *e, const struct rfb_how *how, const struct image *image,
	struct point at, struct buf *out)
{
	size_t n = 0;
	e->n_lossy = 0;
	if (!how->tight || !rfb_format_has_tpixel(&how->format)) {
		rfb_put_head(out,
			(struct rect){ at.x, at.y, image->size.width, image->size.height },
			RFB_RAW);
		rfb_format_put(&how->format, image, out);
		return 1;
	}
	struct size blocks = count_blocks(image);
	classify(e, image, how->quality == RFB_LOSSLESS);
	for (int i = 0; i < blocks.width * blocks.height; i++) {
		int x = i % blocks.width, y = i / blocks.width;
		if (e->blocks[y][x] != DONE) {
			bool photo = e->blocks[y][x] == PHOTO;
			struct rect area = take_blocks(e, image, x, y, photo);
			struct image part = image_part(image, area);
			area.x += at.x;
			area.y += at.y;
			put_tight(e, &part, how->quality, area, photo, out);
			n++;
		}
	}
	return n;
}

/* ---- life ---- */

struct rfb_encoder *rfb_encoder_new(struct err *err)
{
	struct encoder *jpeg = encoder_new(err);
	if (!jpeg) {
		return NULL;
	}
	struct rfb_encoder *e = must(calloc(1, sizeof(*e)));
	e->jpeg = jpeg;
	/* Fails only for lack of memory, as must() does. */
	must(deflateInit(&e->zlib, 1) == Z_OK ? e : NULL);
	return e;
}

void rfb_encoder_free(struct rfb_encoder *e)
{
	if (e) {
		deflateEnd(&e->zlib);
		encoder_free(e->jpeg);
		buf_done(&e->plain);
		buf_done(&e->packed);
		free(e);
	}
}

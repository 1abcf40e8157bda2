/*
 * Tight: a rectangle of one colour is that colour, one of few colours (text, flat controls) a
 * palette and indexes, and only what has more becomes a JPEG, where the viewer allows that.  Small
 * text so stays as sharp as it is.  zlib at its quickest level: beyond, it costs the desktop more
 * than the line.
 */
#include "vm/agent/window/rfb_encode.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "vm/picture/encode.h"

#include <string.h>
#include <zlib.h>

#define COLOURS_MAX 256
#define SLOTS 1024 /* of the table of colours; a power of two */
#define STREAMS 3  /* of zlib: of pixels, of bits, of indexes */
#define SHORT 12   /* fewer bytes go as they are */

enum { CONTROL_FILL = 0x80, CONTROL_JPEG = 0x90, CONTROL_FILTER = 0x40, FILTER_PALETTE = 1 };
enum { STREAM_PIXELS, STREAM_BITS, STREAM_INDEXES };

struct palette {
	uint32_t colours[COLOURS_MAX];
	int n; /* COLOURS_MAX + 1: too many */
	uint32_t keys[SLOTS];
	int16_t index[SLOTS]; /* -1: the slot is empty */
};

struct rfb_encoder {
	z_stream zlib[STREAMS];
	bool begun[STREAMS];
	struct encoder *jpeg;
	struct palette palette;
	struct buf plain; /* what is compressed next */
};

/* ---- formats ---- */

const struct rfb_format rfb_format_own = { 32, false, { 255, 255, 255 }, { 16, 8, 0 } };

bool rfb_format_read(struct rfb_format *ret, const uint8_t bytes[16], struct err *err)
{
	struct rfb_format format = { .bits = bytes[0], .big_endian = bytes[2] };
	if (format.bits != 8 && format.bits != 16 && format.bits != 32) {
		return err_set(err, ERR_ARGUMENT, "a pixel must have 8, 16 or 32 bits, not %u",
			format.bits);
	}
	if (!bytes[3]) {
		return err_set(err, ERR_ARGUMENT, "a window is shown in true colour only");
	}
	for (int i = 0; i < 3; i++) {
		format.max[i] = bytes_get_u16(bytes + 4 + 2 * i);
		format.shift[i] = bytes[10 + i];
		if (format.shift[i] >= format.bits) {
			return err_set(err, ERR_ARGUMENT,
				"a colour's shift must be below %u, not %u", format.bits,
				format.shift[i]);
		}
	}
	*ret = format;
	return true;
}

void rfb_format_write(const struct rfb_format *format, uint8_t ret_bytes[16])
{
	memset(ret_bytes, 0, 16);
	ret_bytes[0] = format->bits;
	ret_bytes[1] = 24;
	ret_bytes[2] = format->big_endian;
	ret_bytes[3] = 1;
	for (int i = 0; i < 3; i++) {
		bytes_put_u16(ret_bytes + 4 + 2 * i, format->max[i]);
		ret_bytes[10 + i] = format->shift[i];
	}
}

static bool is_own(const struct rfb_format *f)
{
	return f->bits == 32 && !f->big_endian && f->max[0] == 255 && f->max[1] == 255 &&
	       f->max[2] == 255 && f->shift[0] == 16 && f->shift[1] == 8 && f->shift[2] == 0;
}

static void put_pixel(const struct rfb_format *f, const uint8_t *bgrx, uint8_t *to)
{
	uint32_t value = 0;
	for (int i = 0; i < 3; i++) {
		uint32_t part = ((uint32_t)bgrx[2 - i] * f->max[i] + 127) / 255;
		value |= part << f->shift[i];
	}
	int bytes = f->bits / 8;
	for (int i = 0; i < bytes; i++) {
		to[i] = (uint8_t)(value >> 8 * (f->big_endian ? bytes - 1 - i : i));
	}
}

static const uint8_t *row_of(const struct image *image, int y)
{
	return image->pixels + (size_t)y * image->stride;
}

void rfb_encode_raw(const struct rfb_format *format, const struct image *image, struct buf *out)
{
	size_t pixel = format->bits / 8, row = (size_t)image->size.width * pixel;
	bool own = is_own(format);
	buf_reserve(out, row * (size_t)image->size.height);
	for (int y = 0; y < image->size.height; y++) {
		const uint8_t *in = row_of(image, y);
		if (own) {
			buf_append(out, in, row);
			continue;
		}
		for (int x = 0; x < image->size.width; x++) {
			uint8_t bytes[4];
			put_pixel(format, in + (size_t)x * 4, bytes);
			buf_append(out, bytes, pixel);
		}
	}
}

/* ---- colours ---- */

static uint32_t colour_at(const uint8_t *pixel)
{
	return (uint32_t)pixel[2] << 16 | (uint32_t)pixel[1] << 8 | pixel[0];
}

/* Its number; a new one gets the next.  -1: they are too many. */
static int number_of(struct palette *p, uint32_t colour)
{
	uint32_t slot = (colour * 2654435761u) >> 22;
	while (p->index[slot] >= 0 && p->keys[slot] != colour) {
		slot = (slot + 1) % SLOTS;
	}
	if (p->index[slot] < 0) {
		if (p->n == COLOURS_MAX) {
			return -1;
		}
		p->keys[slot] = colour;
		p->index[slot] = (int16_t)p->n;
		p->colours[p->n++] = colour;
	}
	return p->index[slot];
}

/* Fills e->plain with a number for each pixel.  False: too many colours. */
static bool count_colours(struct rfb_encoder *e, const struct image *image)
{
	struct palette *p = &e->palette;
	p->n = 0;
	memset(p->index, 0xff, sizeof(p->index));
	e->plain.len = 0;
	buf_reserve(&e->plain, (size_t)image->size.width * (size_t)image->size.height);
	for (int y = 0; y < image->size.height; y++) {
		const uint8_t *in = row_of(image, y);
		uint32_t last = UINT32_MAX;
		int number = 0;
		for (int x = 0; x < image->size.width; x++, in += 4) {
			uint32_t colour = colour_at(in);
			number = colour == last ? number : number_of(p, colour);
			if (number < 0) {
				return false;
			}
			last = colour;
			e->plain.data[e->plain.len++] = (uint8_t)number;
		}
	}
	return true;
}

/* ---- Tight ---- */

static void put_byte(struct buf *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	buf_append(out, &byte, 1);
}

static void put_colour(struct buf *out, uint32_t colour)
{
	uint8_t bytes[3] = { (uint8_t)(colour >> 16), (uint8_t)(colour >> 8), (uint8_t)colour };
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

static void begin_stream(struct rfb_encoder *e, int stream)
{
	if (!e->begun[stream]) {
		e->begun[stream] = true;
		/* Fails only for want of memory, as must() does. */
		must(deflateInit(&e->zlib[stream], 1) == Z_OK ? e : NULL);
	}
}

/* Appends e->plain, compressed. */
static void put_compressed(struct rfb_encoder *e, int stream, struct buf *out)
{
	if (e->plain.len < SHORT) {
		buf_append(out, e->plain.data, e->plain.len);
		return;
	}
	auto_buf struct buf packed = { 0 };
	begin_stream(e, stream);
	z_stream *z = &e->zlib[stream];
	z->next_in = e->plain.data;
	z->avail_in = (uInt)e->plain.len;
	do {
		buf_reserve(&packed, e->plain.len / 2 + 256);
		size_t room = packed.cap - packed.len - 1;
		z->next_out = packed.data + packed.len;
		z->avail_out = (uInt)room;
		deflate(z, Z_SYNC_FLUSH);
		packed.len += room - z->avail_out;
	} while (z->avail_out == 0);
	put_length(out, packed.len);
	buf_append(out, packed.data, packed.len);
}

/* Numbers of 0 and 1 to bits, each row in bytes of its own. */
static void pack_bits(struct buf *plain, struct size size)
{
	size_t to = 0;
	for (int y = 0; y < size.height; y++) {
		const uint8_t *row = plain->data + (size_t)y * (size_t)size.width;
		for (int x = 0; x < size.width; x += 8) {
			unsigned bits = 0;
			for (int i = 0; i < 8 && x + i < size.width; i++) {
				bits |= (unsigned)row[x + i] << (7 - i);
			}
			plain->data[to++] = (uint8_t)bits; /* behind what is read */
		}
	}
	plain->len = to;
}

static void put_palette(struct rfb_encoder *e, const struct image *image, struct buf *out)
{
	const struct palette *p = &e->palette;
	int stream = p->n == 2 ? STREAM_BITS : STREAM_INDEXES;
	put_byte(out, CONTROL_FILTER | (unsigned)stream << 4);
	put_byte(out, FILTER_PALETTE);
	put_byte(out, (unsigned)p->n - 1);
	for (int i = 0; i < p->n; i++) {
		put_colour(out, p->colours[i]);
	}
	if (p->n == 2) {
		pack_bits(&e->plain, image->size);
	}
	put_compressed(e, stream, out);
}

static void put_pixels(struct rfb_encoder *e, const struct image *image, struct buf *out)
{
	e->plain.len = 0;
	buf_reserve(&e->plain, (size_t)image->size.width * (size_t)image->size.height * 3);
	for (int y = 0; y < image->size.height; y++) {
		const uint8_t *in = row_of(image, y);
		for (int x = 0; x < image->size.width; x++, in += 4) {
			put_colour(&e->plain, colour_at(in));
		}
	}
	put_byte(out, STREAM_PIXELS << 4);
	put_compressed(e, STREAM_PIXELS, out);
}

/* False: it did not work, and nothing was appended. */
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

bool rfb_is_tight(const struct rfb_how *how)
{
	const struct rfb_format *f = &how->format;
	return how->tight && f->bits == 32 && f->max[0] == 255 && f->max[1] == 255 &&
	       f->max[2] == 255;
}

void rfb_encode(struct rfb_encoder *e, const struct rfb_how *how, const struct image *image,
	struct buf *out)
{
	if (!rfb_is_tight(how)) {
		rfb_encode_raw(&how->format, image, out);
	} else if (!count_colours(e, image)) {
		if (how->quality == RFB_LOSSLESS || !put_jpeg(e, image, how->quality, out)) {
			put_pixels(e, image, out);
		}
	} else if (e->palette.n == 1) {
		put_byte(out, CONTROL_FILL);
		put_colour(out, e->palette.colours[0]);
	} else {
		put_palette(e, image, out);
	}
}

struct rfb_encoder *rfb_encoder_new(struct err *err)
{
	struct encoder *jpeg = encoder_new(err);
	if (!jpeg) {
		return NULL;
	}
	struct rfb_encoder *e = must(calloc(1, sizeof(*e)));
	e->jpeg = jpeg;
	return e;
}

void rfb_encoder_free(struct rfb_encoder *e)
{
	if (e) {
		for (int i = 0; i < STREAMS; i++) {
			if (e->begun[i]) {
				deflateEnd(&e->zlib[i]);
			}
		}
		encoder_free(e->jpeg);
		buf_done(&e->plain);
		free(e);
	}
}

#ifndef TESTS_SUPPORT_RFB_H
#define TESTS_SUPPORT_RFB_H

/*
 * A small VNC viewer without a connection: messages to send are appended to a buffer, what the
 * server sends is taken from one.  Knows Raw, CopyRect, Tight, films, the pseudo-encodings of pointers and
 * of the desktop's size, fences and continuous updates, and stops at anything else.
 */
#include "base/buf.h"
#include "vm/rfb/encode.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define RFB_HELLO "RFB 003.008\n"

enum {
	RFB_CURSOR = -239,
	RFB_CURSOR_ALPHA = -314,
	RFB_CURSOR_VMWARE = 0x574d5664,
	RFB_DESKTOP_SIZE = -223,
	RFB_EXTENDED_SIZE = -308,
	RFB_FENCE = -312,
	RFB_CONTINUOUS = -313,
	RFB_QUALITY_9 = -23,
};

/* ---- what a viewer says ---- */

void rfb_u8(struct buf *to, unsigned value);

void rfb_u16(struct buf *to, unsigned value);

void rfb_u32(struct buf *to, uint32_t value);

/* A whole handshake at once: a server takes it as it comes. */
void rfb_say_hello(struct buf *to);

void rfb_say_encodings(struct buf *to, const int32_t *encodings, size_t n);

void rfb_say_update(
	struct buf *to, bool incremental, unsigned x, unsigned y, unsigned width, unsigned height);

void rfb_say_key(struct buf *to, bool down, uint32_t keysym);

void rfb_say_pointer(struct buf *to, unsigned buttons, unsigned x, unsigned y);

void rfb_say_cut_text(struct buf *to, const char *text, size_t len);

void rfb_say_size(struct buf *to, unsigned width, unsigned height);

void rfb_say_format(struct buf *to, const uint8_t format[16]);

void rfb_say_continuous(struct buf *to, bool on);

void rfb_say_fence(struct buf *to, uint32_t flags, const void *bytes, size_t len);

/* ---- what a server says ---- */

struct rfb_seen {
	struct buf in;
	int stage; /* of the handshake; 4: over */
	unsigned width, height;
	char name[64];
	int updates, rects, pixels, cursors, sizes, cut_texts, bells;
	int empty; /* updates without a rectangle */
	int copies, tights, fences, continuous_ends;
	unsigned left;                 /* rectangles of the update under way */
	unsigned x, y, rect_w, rect_h; /* of the last rectangle with pixels */
	uint32_t last_pixel;           /* the last one of it */
	uint32_t *frame;               /* all pixels; NULL: not kept */
	unsigned pixel_bytes;          /* of Raw and of cursors; 0: 4 */
	bool big_endian;
	struct buf cursor;   /* the last one, with its head */
	struct buf cut_text; /* the last one */
	struct buf *say;     /* answers to fences; NULL: fences were not asked for */
	/* Decodes Tight (tight_take()); NULL: not asked for. */
	size_t (*tight)(
		void *tight, const uint8_t *bytes, size_t len, int width, int height, uint32_t *to);
	void *tight_data;
	/* Decodes a frame of a film behind its head of 8 bytes; NULL: not asked for. */
	void (*film)(void *data, unsigned part, bool key, const uint8_t *frame, size_t len,
		int width, int height, uint32_t *to);
	int films; /* frames */
};

unsigned rfb_get(const struct buf *buf, size_t at, size_t bytes);

/* From now on all pixels are kept; after the handshake. */
void rfb_keep(struct rfb_seen *s);

void rfb_take(struct rfb_seen *s, const void *bytes, size_t len);

void rfb_seen_done(struct rfb_seen *s);

#endif

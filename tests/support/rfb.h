#ifndef TESTS_SUPPORT_RFB_H
#define TESTS_SUPPORT_RFB_H

/*
 * A small VNC viewer without a connection: messages to send are appended to a buffer, what the
 * server sends is taken from one.  Knows Raw, CopyRect, the pseudo-encodings of pointers and of the
 * desktop's size, and stops at anything else.
 */
#include "base/buf.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define RFB_HELLO "RFB 003.008\n"
#define RFB_SIZES_MAX 8

enum { RFB_RAW = 0, RFB_CURSOR = -239, RFB_DESKTOP_SIZE = -223, RFB_EXTENDED_SIZE = -308 };

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

/* ---- what a server says ---- */

struct rfb_seen {
	struct buf in;
	int stage; /* of the handshake; 4: over */
	unsigned width, height;
	char name[64];
	int updates, rects, pixels, cursors, sizes, cut_texts, bells;
	unsigned left;                 /* rectangles of the update under way */
	unsigned x, y, rect_w, rect_h; /* of the last rectangle with pixels */
	uint32_t last_pixel;           /* the last one of it */
	uint32_t *frame;               /* all pixels; NULL: not kept */
};

/* From now on all pixels are kept; after the handshake. */
void rfb_keep(struct rfb_seen *s);

void rfb_take(struct rfb_seen *s, const void *bytes, size_t len);

#endif

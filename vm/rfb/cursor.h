#ifndef VM_RFB_CURSOR_H
#define VM_RFB_CURSOR_H

#include "vm/picture/cursor.h"
#include "vm/rfb/encode.h"

/* The pointer's image, for viewers who draw it themselves. */

enum rfb_cursor_encoding { /* the values are RFB's */
	CURSOR_NONE = 0,
	CURSOR_MASK = -239,         /* Cursor: a pixel is there or not */
	CURSOR_ALPHA = -314,        /* CursorWithAlpha */
	CURSOR_VMWARE = 0x574d5664, /* VMware's, with alpha: what noVNC understands */
};

/* Appends it as one rectangle.  NULL: an empty one, so that none is shown. */
void cursor_put(const struct cursor_image *cursor, enum rfb_cursor_encoding encoding,
	const struct rfb_format *format, struct buf *out);

#endif

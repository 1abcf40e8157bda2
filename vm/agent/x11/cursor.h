#ifndef VM_AGENT_X11_CURSOR_H
#define VM_AGENT_X11_CURSOR_H

#include "vm/agent/x11/display.h"
#include "vm/picture/image.h"

#include <X11/extensions/Xfixes.h>

/* The pointer's image, fetched only after changes. */

struct cursor;

struct cursor *cursor_new(struct display *d);
void cursor_free(struct cursor *c); /* NULL-safe */

/* Its pixels are 32 bits each, in longs, with premultiplied alpha.  NULL: none.  Valid until the
 * next call. */
const XFixesCursorImage *cursor_image(struct cursor *c);
/* at: the hot spot, in the image's pixels, or outside of them. */
void cursor_draw(const XFixesCursorImage *cursor, struct point at, const struct image *image);

#endif

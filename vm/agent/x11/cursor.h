#ifndef VM_AGENT_X11_CURSOR_H
#define VM_AGENT_X11_CURSOR_H

#include "vm/agent/x11/display.h"
#include "vm/picture/cursor.h"

/* The pointer's image, fetched only after changes. */

struct cursor;

struct cursor *cursor_new(struct display *d);
void cursor_free(struct cursor *c); /* NULL-safe */

/* NULL: none.  Valid until the next call. */
const struct cursor_image *cursor_image(struct cursor *c);

#endif

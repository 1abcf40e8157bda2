#ifndef VM_AGENT_X11_SHM_CAPTURE_H
#define VM_AGENT_X11_SHM_CAPTURE_H

#include "vm/agent/x11/display.h"
#include "vm/picture/image.h"

/* Captures the screen, or a pixmap, through one segment of shared memory. */

struct grab;

struct grab *grab_new(struct display *d, struct err *err) NODISCARD;
void grab_free(struct grab *g); /* NULL-safe */

/* area must be within the drawable, whose depth is depth (24 or 32).  ret_image is valid until the
 * next call, and may be modified. */
bool grab_pixels(struct grab *g, Drawable from, int depth, struct rect area,
	struct image *ret_image, struct err *err) NODISCARD;

#endif

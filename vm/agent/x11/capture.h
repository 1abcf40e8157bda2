#ifndef VM_AGENT_X11_CAPTURE_H
#define VM_AGENT_X11_CAPTURE_H

#include "vm/agent/x11/shm_capture.h"

/* The screen's pixels, including the pointer. */

struct capture;

struct capture *capture_new(struct display *d, struct err *err) NODISCARD;
void capture_free(struct capture *c); /* NULL-safe */

/* area must be within the screen; pointer is its position.  ret_image is valid until the next
 * call. */
bool capture_grab(struct capture *c, struct rect area, struct point pointer,
	struct image *ret_image, struct err *err) NODISCARD;

#endif

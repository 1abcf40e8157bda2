#ifndef VM_GUEST_ENCODE_FRAME_H
#define VM_GUEST_ENCODE_FRAME_H

#include "vm/guest/guest.h"
#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

/* Encodes the image of a frame that was received as pixels, in a thread. */

struct guest_painting;

/* Keeps the checked act and its message; raw: the size of its pixels.  fn is called once, from the
 * loop, as by guest_act(); err: the pixels are invalid. */
struct guest_painting *guest_paint(sd_event *event, const struct link_msg *msg,
	const struct guest_act *act, struct size raw, int64_t max_bytes, guest_act_fn *fn,
	void *data);
void guest_painting_drop(struct guest_painting *painting); /* no callback */

#endif

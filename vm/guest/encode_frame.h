#ifndef VM_GUEST_ENCODE_FRAME_H
#define VM_GUEST_ENCODE_FRAME_H

#include "vm/guest/guest.h"
#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

/* The image of a frame that came as pixels, made in a thread. */

struct guest_painting;

/* act, checked, and its message are kept; raw: the size of its pixels.  fn fires once, from the
 * loop, as guest_act()'s, err: those are no pixels. */
struct guest_painting *guest_paint(sd_event *event, const struct link_msg *msg,
	const struct guest_act *act, struct size raw, int64_t max_bytes, guest_act_fn *fn,
	void *data);
void guest_painting_drop(struct guest_painting *painting); /* no callback; NULL-safe */

#endif
